"""How people spell dates and telephone numbers."""

from __future__ import annotations

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_PLACEHOLDERS = ("19000101", "19010101", "19700101", "19800101", "20000101")
_NATIONAL = 3
_LOCAL = 8


def spellings_of_date(date: str) -> frozenset[str]:
    """Return the common spellings of a date given as YYYYMMDD: ISO, European, American, with month names."""
    year, month, day = date[:4], date[4:6], date[6:]
    out = {date, f"{day}{month}{year}", f"{month}{day}{year}"}
    for mark in "-./ :":
        for d, m in ((day, month), (day.lstrip("0"), month.lstrip("0"))):
            out |= {mark.join(parts) for parts in ((year, m, d), (d, m, year), (m, d, year))}
        out |= {mark.join(parts) for parts in ((day, month, year[2:]), (month, day, year[2:]))}
    return frozenset(out | _with_month_names(year, int(month), day))


def six_digits(date: str) -> frozenset[str]:
    """Return the spellings of YYYYMMDD with two digits each; too short for a search in any bytes."""
    year, month, day = date[2:4], date[4:6], date[6:]
    return frozenset((year + month + day, day + month + year, month + day + year))


def tail_of_phone(digits: str) -> str:
    """Return the end of a telephone number that is the same with and without its country code."""
    return digits if len(digits) <= _LOCAL else digits[_NATIONAL:]


def is_date(text: str) -> bool:
    """Whether `text` is YYYYMMDD with a month and a day that exist, and no placeholder."""
    if len(text) != len("YYYYMMDD") or not (text.isascii() and text.isdigit()):
        return False
    exists = 1 <= int(text[4:6]) <= 12 and 1 <= int(text[6:]) <= 31 and text > "1800"
    return exists and text not in _PLACEHOLDERS


def _with_month_names(year: str, month: int, day: str) -> frozenset[str]:
    out: set[str] = set()
    name = _MONTHS[month - 1]
    for d in (day, day.lstrip("0")):
        for m in (name, name[:3]):
            out |= {f"{d} {m} {year}", f"{d}-{m}-{year}", f"{d}. {m} {year}", f"{d}{m}{year}"}
            out |= {f"{m} {d}, {year}", f"{m} {d} {year}", f"{year}-{m}-{d}"}
    return frozenset(out)
