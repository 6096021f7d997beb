"""The kinds of value a ledger entry may hold: ids, codes, digests, countries, counts, times, legal names.

A check returns the value in its one canonical form or raises `InvalidEntry`, which names the field and
never repeats the value. There is no check for free text, because no entry holds any.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import NoReturn

from worker.errors import WorkerError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_CODE = re.compile(r"(?=.{1,80}\Z)[a-z0-9]+(?:[.-][a-z0-9]+)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NAME_LENGTH = 200
_COUNT_LIMIT = 1 << 53
"""Beyond it JSON readers that use floats lose count (RFC 8259, section 6)."""


class InvalidEntry(WorkerError):
    """A field of an entry, or a leaf, is not what the ledger takes."""


def refuse(field: str) -> NoReturn:
    """Raise `InvalidEntry` for `field`."""
    raise InvalidEntry("entry-field", f"the ledger does not take this {field}", "see docs/ledger.md")


def identifier(field: str, value: object) -> str:
    """Return `value` if it is an id: letters, digits and `._:-`, so no address and no sentence."""
    return _matching(_ID, field, value)


def code(field: str, value: object) -> str:
    """Return `value` if it is a code: lower-case words joined by `-` or `.`."""
    return _matching(_CODE, field, value)


def digest(field: str, value: object) -> str:
    """Return `value` if it is a SHA-256 digest in lower-case hexadecimal."""
    return _matching(_DIGEST, field, value)


def country(field: str, value: object) -> str:
    """Return `value` if it has the form of an ISO 3166-1 alpha-2 code."""
    return _matching(_COUNTRY, field, value)


def count(field: str, value: object) -> int:
    """Return `value` if it is a count, and no boolean."""
    if type(value) is not int or not 0 <= value < _COUNT_LIMIT:
        refuse(field)
    return value


def name(field: str, value: object) -> str:
    """Return the legal name of a clinic or a recipient in Unicode form NFC."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        refuse(field)
    normal = unicodedata.normalize("NFC", value)
    if len(normal) > _NAME_LENGTH:
        refuse(field)
    return normal


def moment(field: str, value: object) -> datetime:
    """Return a time that knows its zone, in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        refuse(field)
    return value.astimezone(UTC)


def day(field: str, value: object) -> date:
    """Return a date without a time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        refuse(field)
    return value


def _matching(pattern: re.Pattern[str], field: str, value: object) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        refuse(field)
    return str(value)
