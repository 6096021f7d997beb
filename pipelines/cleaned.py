"""What a pipeline is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.profile import Profile
from pipelines.replacement import Replacement
from pipelines.report import Finding
from pipelines.segments import Segment
from pipelines.terms import Terms


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that decides how a scan is cleaned, the same for all scans of a transfer.

    `terms` are the case's own identifiers; text that holds one goes, also where the profile keeps it.
    `pixels_checked` says that a person looked for names burned into the pictures.
    """

    replacement: Replacement
    profile: Profile
    terms: Terms
    pixels_checked: bool


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A cleaned scan: the recipe of its bytes, what was done, and the suffix of its neutral name."""

    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...]
    suffix: str
