"""What the product wrote itself, and where it may stand without being a leak."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary

from pipelines.needles import Found
from pipelines.places import Field
from pipelines.terms import TermKind, is_defined

_PSEUDONYM_TAGS = (0x00100010, 0x00100020)
_NUMBERS, _DAYS = ("DS", "IS", "TM"), ("DA", "DT")
_DATES = (TermKind.DATE, TermKind.BIRTH_DATE)


@dataclass(frozen=True, slots=True)
class Generated:
    """Replacements, exempt by exact value and place.

    `pseudonym` counts in PatientName and PatientID, and in what is no DICOM; `uids` in UI values;
    `dates` (YYYYMMDD) in DA and DT values; `texts` are whole values of the attribute with that tag.
    """

    pseudonym: str = ""
    uids: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    texts: frozenset[tuple[int, str]] = frozenset()


class Exempt:
    """Decides whether something found is the product's own, the standard's, or a number by chance."""

    def __init__(self, generated: Generated) -> None:
        self._pseudonym = generated.pseudonym.lower()
        self._uids, self._dates = generated.uids, generated.dates
        self._texts = frozenset((tag, text.lower()) for tag, text in generated.texts)

    def covers(self, value: Field, data: bytes, found: Found) -> bool:
        """Whether what was found in `data`, the bytes of `value`, is no leak."""
        text = data.decode("latin-1").lower()
        if isinstance(value.place, str):
            return self._in_pseudonym(text, found)
        component = _component(text, found)
        return (
            self._written(value.place, text.strip(" \0"), component)
            or (value.vr == "UI" and (component in UID_dictionary or component in self._uids))
            or is_defined(value.place, component)
            or (found.kind == TermKind.DATE and value.vr in ("DA", "DT") and component[:8] in self._dates)
            or (_by_chance(value.vr, found) and component.lstrip("0") != _digits(text, found))
        )

    def _written(self, tag: int, text: str, component: str) -> bool:
        if tag in _PSEUDONYM_TAGS and component == self._pseudonym != "":
            return True
        return (tag, text) in self._texts or (tag, component) in self._texts

    def _in_pseudonym(self, text: str, found: Found) -> bool:
        if not self._pseudonym:
            return False
        at = text.find(self._pseudonym, max(0, found.stop - len(self._pseudonym)))
        return 0 <= at <= found.start and found.stop <= at + len(self._pseudonym)


def _by_chance(vr: str, found: Found) -> bool:
    """Whether digits may occur in a value of this form without meaning anything but a quantity or a time."""
    return found.numeric and (vr in _NUMBERS or (vr in _DAYS and found.kind not in _DATES))


def _digits(text: str, found: Found) -> str:
    return text[found.start : found.stop].lstrip("0")


def _component(text: str, found: Found) -> str:
    """Return the one value of several in which `found` lies, or all of them where it spans two."""
    start = text.rfind("\\", 0, found.start) + 1
    stop = text.find("\\", found.start)
    stop = len(text) if stop < 0 else stop
    return (text if stop < found.stop else text[start:stop]).strip(" \0")
