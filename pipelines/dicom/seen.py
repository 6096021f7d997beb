"""What a walk through a data set learns and reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.dicom.dictionary import named
from pipelines.report import Action, Finding
from pipelines.text import Charset

_MOST_FINDINGS = 5000


@dataclass(slots=True)
class Seen:
    """Values of the source that decide what the object is, and what was done to it."""

    values: dict[int, str] = field(default_factory=dict)
    charset: Charset = field(default_factory=Charset)
    pixels: bool = False
    disordered: bool = False
    _done: dict[tuple[int | str, Action, str], None] = field(default_factory=dict)

    def note(self, where: int | str, action: Action, reason: str = "") -> None:
        """Remember one thing done: at a tag, or at a place with a name of its own."""
        if len(self._done) < _MOST_FINDINGS:
            self._done[where, action, reason] = None
        else:
            self._done["further attributes", action, ""] = None

    def findings(self) -> tuple[Finding, ...]:
        """Return what was done, each thing once."""
        return tuple(
            Finding(where if isinstance(where, str) else named(where), action, reason)
            for where, action, reason in self._done
        )
