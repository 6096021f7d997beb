"""The Basic Profile of PS3.15 Annex E and its options, as rules over (path, tag, VR).

Rules know nothing of any DICOM library: a tag is a number, a path the tags of the sequences around it.
What no rule lists and the dictionary does not know is removed.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from pipelines.report import Action

EDITION = "2026d"
"""The edition of PS3.15 that the rules come from."""

Path = tuple[int, ...]
"""The tags of the sequences around an attribute, the outermost first."""


class Retain(StrEnum):
    """The built options that keep more than the Basic Profile (PS3.15 E.3)."""

    PATIENT_CHARACTERISTICS = "patient-characteristics"
    MODIFIED_DATES = "longitudinal-modified-dates"


class Clean(StrEnum):
    """The built options that look into what the Basic Profile leaves alone (PS3.15 E.3)."""

    PIXEL_DATA = "pixel-data"


@dataclass(frozen=True, slots=True)
class Profile:
    """The Basic Profile under a name, with the options that are switched on."""

    name: str
    retains: frozenset[Retain] = frozenset()
    cleans: frozenset[Clean] = frozenset()

    @property
    def digest(self) -> str:
        """The SHA-256, in hex, of name, options, the table, and the action that each row resolves to."""
        return _digest(self)

    @property
    def cleans_pixels(self) -> bool:
        """Whether pictures may only leave with their pixels cleaned or checked by a person."""
        return Clean.PIXEL_DATA in self.cleans

    @property
    def shifts_dates(self) -> bool:
        """Whether dates stay, all moved by the same number of days."""
        return Retain.MODIFIED_DATES in self.retains

    @property
    def method(self) -> tuple[str, ...]:
        """The values of DeidentificationMethod (0012,0063): what was applied, in the words of PS3.15."""
        return ("pseudodont", f"PS3.15 {EDITION} Basic Profile", self.name, self.digest)

    @property
    def method_codes(self) -> tuple[tuple[str, str], ...]:
        """The codes of CID 7050 that are true of what was applied, with their meanings (PS3.16)."""
        return (_BASIC_CODE, *(_CODES[option] for option in sorted(self.retains)))


_BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
# Clean Pixel Data (113101) is not claimed: so far a person looks, and nothing is cleaned.
_CODES = {
    Retain.MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Retain.PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
}


class UnknownProfile(ValueError):
    """The name of a profile or option that is not built; the text lists those that are."""


_PROFILES = {
    "basic": Profile("basic"),
    "aligner": Profile(
        "aligner",
        frozenset({Retain.PATIENT_CHARACTERISTICS, Retain.MODIFIED_DATES}),
        frozenset({Clean.PIXEL_DATA}),
    ),
}


def profile_named(name: str, retain: Iterable[str] = (), clean: Iterable[str] = ()) -> Profile:
    """Return the profile `name` with the options `retain` and `clean` switched on besides its own.

    Raises `UnknownProfile` for a name that is not built.
    """
    base = _PROFILES.get(name)
    if base is None:
        raise UnknownProfile(f"unknown profile {name!r}; known are {', '.join(sorted(_PROFILES))}")
    retains = base.retains | {Retain(_known(option, "retain", Retain)) for option in retain}
    cleans = base.cleans | {Clean(_known(option, "clean", Clean)) for option in clean}
    return Profile(name, retains, cleans)


def rule(profile: Profile, path: Path, tag: int, vr: str) -> Action | None:
    """Return what Table E.1-1 asks for at `tag`, or None where it lists nothing.

    `vr` is the dictionary's. Dates that are moved are those in DA, DT and TM; a signed time stamp or a
    time zone cannot be. `path` takes part so that rules may depend on it; no built rule does.
    """
    group = tag >> 16
    if group & 1 or group in _WHOLE_GROUPS:
        return Action.X
    action = actions(profile).get(tag)
    if action is Action.C and vr not in _DATE_VRS:
        return _basic(_rows()[tag])
    return action


@lru_cache(maxsize=16)
def actions(profile: Profile) -> Mapping[int, Action]:
    """Return the action of every attribute that the table lists by a plain tag."""
    return {tag: _SEQUENCES.get(tag) or _resolved(row, profile) for tag, row in _rows().items()}


# Curves, and overlays: without their data (60xx,3000), which the table removes, the rest of the group
# describes nothing. Groups 0000 and 0002 belong to messages and to the file meta, not to a data set.
_WHOLE_GROUPS = frozenset({0x0000, 0x0002, *range(0x5000, 0x5100, 2), *range(0x6000, 0x6100, 2)})

_DATE_VRS = ("DA", "DT", "TM")

# A column's letter replaces the Basic action. C cells of patient characteristics are free text: until
# descriptors can be cleaned they stay with the Basic action.
_COLUMNS = {
    Retain.PATIENT_CHARACTERISTICS: ("retain_patient_characteristics", frozenset("K")),
    Retain.MODIFIED_DATES: ("retain_longitudinal_modified_dates", frozenset("KC")),
}

# Which of a compound code's letters holds depends on the attribute's type in its object; without the
# object's tables the letter is taken that is valid for every type.
_COMPOUND = {
    "X/Z": Action.Z,
    "X/D": Action.D,
    "Z/D": Action.D,
    "X/Z/D": Action.D,
    "X/Z/U*": Action.U,
}

# Sequences with a compound code. References to performed procedure steps stay with their UIDs replaced,
# which is a dummy; the others are required by no object (Types 1C and 3 only) and go whole.
_SEQUENCES = {
    0x00081111: Action.U,  # ReferencedPerformedProcedureStepSequence, X/Z/D
    0x00081110: Action.X,  # ReferencedStudySequence, X/Z: where it stands it may not be empty
    0x00081072: Action.X,  # OperatorIdentificationSequence, X/D
    0x0040B020: Action.X,  # WaveformAnnotationSequence, X/D
}


def _resolved(row: Mapping[str, str], profile: Profile) -> Action:
    for option in sorted(profile.retains):
        column, letters = _COLUMNS[option]
        if row[column] in letters:
            return Action(row[column])
    return _basic(row)


def _basic(row: Mapping[str, str]) -> Action:
    letter = row["basic_profile"]
    return _COMPOUND.get(letter) or Action(letter)


def _table() -> str:
    return (files("pipelines") / "standard" / "ps3.15-table-e1-1.csv").read_text("utf-8")


@lru_cache(maxsize=1)
def _rows() -> Mapping[int, Mapping[str, str]]:
    """Return the rows with a plain tag; repeating groups and private elements are rules of their own."""
    rows: dict[int, Mapping[str, str]] = {}
    for row in csv.DictReader(_table().splitlines()):
        digits = row["tag"].strip("()").replace(",", "")
        if len(digits) == 8 and "x" not in digits:
            rows[int(digits, 16)] = row
    return rows


@lru_cache(maxsize=16)
def _digest(profile: Profile) -> str:
    resolved = [f"{tag:08X}={action}" for tag, action in sorted(actions(profile).items())]
    parts = [profile.name, *sorted(profile.retains), *sorted(profile.cleans), EDITION, _table(), *resolved]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _known(option: str, kind: str, options: Iterable[StrEnum]) -> str:
    known = sorted(options)
    if option not in known:
        raise UnknownProfile(f"unknown {kind} option {option!r}; known are {', '.join(known)}")
    return option
