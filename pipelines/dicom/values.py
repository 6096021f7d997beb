"""Decide what becomes of one value: kept, emptied, replaced or moved (PS3.15 E.1.1, Table E.1-1a).

A value is looked at as the bytes that are there, not as what its VR promises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.dates import kept_time, shifted_date, shifted_datetime
from pipelines.report import Action
from pipelines.terms import Terms, matches
from pipelines.text import Charset
from pipelines.uids import Uids

DUMMY_TEXT = "REMOVED"

TEXT_VRS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
DATE_VRS = frozenset({"DA", "DT", "TM"})
FREE_VRS = frozenset({"LT", "ST", "UT", "UR"})

_DUMMIES = {
    "AS": b"000Y",
    "DA": b"19000101",
    "DT": b"19000101000000",
    "TM": b"000000",
    "DS": b"0 ",
    "IS": b"0 ",
    "UR": b"urn:removed ",
    "OB": b"\0\0",
    "UN": b"\0\0",
    "OW": b"\0\0",
    "US": b"\0\0",
    "SS": b"\0\0",
    "AT": bytes(4),
    "FL": bytes(4),
    "OF": bytes(4),
    "SL": bytes(4),
    "UL": bytes(4),
    "OL": bytes(4),
    "FD": bytes(8),
    "OD": bytes(8),
    "OV": bytes(8),
    "SV": bytes(8),
    "UV": bytes(8),
}
_NUMBER = re.compile(r"[ \0]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?[ \0]*|[ \0]*")
_AGE = re.compile(r"\d{3}[DWMY]|")
# Attributes of these may be required to have a value (Type 1), and any text is one.
_NAMING_VRS = frozenset({"LO", "SH", "UC"})
# Where somebody can be reached: an address of mail or of the web, which no machine's setting holds.
_CONTACT = re.compile(r"@|://|\bwww\.|[\w-]{6,}\.[a-z]{2,12}$")
_TELLING_DIGITS = 5
_PRINTABLE = re.compile(rb"[\x20-\x7e\t\r\n]{4,}\0*")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A new value, and why it is new; `action` is None where the value stayed."""

    value: bytes
    action: Action | None = None
    reason: str = ""


def dummy(vr: str) -> bytes:
    """Return a value that is valid for `vr` and says nothing."""
    return _DUMMIES.get(vr) or padded(DUMMY_TEXT, vr)


def padded(text: str, vr: str) -> bytes:
    """Return ASCII text as a value of even length (PS3.5 6.2)."""
    data = text.encode("ascii")
    return data + (b"\0" if vr == "UI" else b" ") if len(data) & 1 else data


def evened(raw: bytes, vr: str) -> bytes:
    """Return `raw` with the padding that an odd length lacks."""
    if not len(raw) & 1:
        return raw
    return raw + (b" " if vr in TEXT_VRS and vr != "UI" else b"\0")


def replaced_uids(raw: bytes, uids: Uids, listed: bool) -> Outcome:
    """Replace each UID, but those that are the same for everybody."""
    change = uids.unless_well_known if listed else uids.unless_standard
    parts = [part.strip(" \0\t\r\n") for part in raw.decode("latin-1").split("\\")]
    new = "\\".join(change(part) if part else "" for part in parts)
    if new == "\\".join(parts):
        return Outcome(evened(raw, "UI")) if new.isascii() else Outcome(b"", Action.Z)
    return Outcome(padded(new, "UI"), Action.U)


def moved_dates(raw: bytes, vr: str, days: int) -> Outcome:
    """Move each date; what is no date is emptied."""
    if not raw.isascii():
        return Outcome(b"", Action.Z, "value-malformed")
    new = [_moved(part.strip(" \0"), vr, days) for part in raw.decode("ascii").split("\\")]
    if None in new:
        return Outcome(b"", Action.Z, "value-malformed")
    return Outcome(padded("\\".join(part or "" for part in new), vr), Action.C)


def _moved(text: str, vr: str, days: int) -> str | None:
    if vr == "TM":
        return kept_time(text)
    return shifted_date(text, days) if vr == "DA" else shifted_datetime(text, days)


def checked(raw: bytes, vr: str, tag: int, terms: Terms, charset: Charset) -> Outcome:
    """Keep a value that names none of the case's own identifiers; blank the parts that do, empty what is no text."""
    if not raw:
        return Outcome(raw)
    if vr not in TEXT_VRS:
        return _checked_binary(raw, vr, tag, terms)
    text = raw.decode("ascii") if raw.isascii() and b"\x1b" not in raw else charset.decode(raw)
    if text is None:
        return Outcome(b"", Action.C, "text-undecodable")
    parts = [part.strip(" \0") for part in text.split("\\")]
    if vr in ("DS", "IS", "AS"):
        return _checked_numbers(raw, vr, parts, tag, terms)
    instead = DUMMY_TEXT if vr in _NAMING_VRS else ""
    kept = [instead if matches(part, terms, tag) or _CONTACT.search(part) else part for part in parts]
    if kept == parts:
        return Outcome(evened(raw, vr))
    new = "\\".join(kept)
    return Outcome(padded(new if new.isascii() else instead, vr), Action.C, "identity-in-text")


def _checked_numbers(raw: bytes, vr: str, parts: list[str], tag: int, terms: Terms) -> Outcome:
    """Empty what is no number; a number is only compared when it could be somebody's."""
    form = _AGE if vr == "AS" else _NUMBER
    if not all(form.fullmatch(part) for part in parts):
        return Outcome(b"", Action.C, "value-malformed")
    telling = [part for part in parts if part.isdecimal() and len(part) >= _TELLING_DIGITS]
    if any(matches(part, terms, tag) for part in telling):
        return Outcome(b"", Action.C, "identity-in-text")
    return Outcome(evened(raw, vr))


def _checked_binary(raw: bytes, vr: str, tag: int, terms: Terms) -> Outcome:
    """Keep binary values, but not a text that was put where none belongs."""
    if _PRINTABLE.fullmatch(raw) and matches(raw.decode("ascii").strip(" \0"), terms, tag):
        return Outcome(b"", Action.C, "identity-in-text")
    return Outcome(evened(raw, vr))
