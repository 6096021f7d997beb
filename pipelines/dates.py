"""Move dates by whole days, so that the intervals between them stay (PS3.15 E.3.6).

Values of DA, DT and TM (PS3.5 6.2), and their ranges. A value that is no date answers None: nobody
could say by how much it was moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

_Move = Callable[[str], str | None]

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})|(\d{4})\.(\d{2})\.(\d{2})")
_TIME = re.compile(r"([01]\d|2[0-3])(([0-5]\d)(([0-5]\d|60)(\.\d{1,6})?)?)?|\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")
_DATETIME = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})"
    r"((?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?"
    r")?)?([+-]\d{4})?"
)
# A partial date is moved as if it lay in the middle of what it leaves open.
_MIDDLE_MONTH, _MIDDLE_DAY = 7, 15


def shifted_date(text: str, days: int) -> str | None:
    """Return the DA value `text`, or range of such values, moved by `days`."""
    return _each(text, lambda part: _date(part, days))


def shifted_datetime(text: str, days: int) -> str | None:
    """Return the DT value `text` moved by `days`; time of day, fraction and zone stay."""
    whole = _datetime(text.strip(), days)
    if whole is not None or "-" not in text:
        return whole
    return _each(text, lambda part: _datetime(part, days))


def kept_time(text: str) -> str | None:
    """Return the TM value `text`: whole days do not change it."""
    return _each(text, lambda part: part if _TIME.fullmatch(part) else None)


def _each(text: str, move: _Move) -> str | None:
    """Apply `move` to a value or to both ends of a range; an end may be open."""
    parts = [part.strip() for part in text.split("-")]
    if len(parts) > 2 or not any(parts):
        return "" if not text.strip() else None
    moved = [move(part) if part else "" for part in parts]
    return None if None in moved else "-".join(part or "" for part in moved)


def _date(text: str, days: int) -> str | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part)
    return _moved(year, month, day, days)


def _datetime(text: str, days: int) -> str | None:
    found = _DATETIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, time, zone = found.groups()
    moved = _moved(int(year), int(month or _MIDDLE_MONTH), int(day or _MIDDLE_DAY), days)
    if moved is None:
        return None
    written = 4 + 2 * (month is not None) + 2 * (day is not None)
    return moved[:written] + (time or "") + (zone or "")


def _moved(year: int, month: int, day: int, days: int) -> str | None:
    try:
        moved = date(year, month, day) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"
