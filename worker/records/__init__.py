"""What one ledger entry says, and its leaf: versioned canonical JSON without personal data.

Canonical means sorted keys, no white space, UTF-8 in Unicode form NFC, integers only, absent fields
left out: one entry has one leaf, byte for byte. `worker.records.fields` says which values a field may hold;
every record checks itself when it is made.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from worker.model import Role
from worker.records import fields
from worker.records.fields import InvalidEntry, refuse

VERSION = 1
NOT_STATED = "not-stated"
Check = Callable[[str, Any], object]


class Event(StrEnum):
    """What happened to a transfer, or to a recipient."""

    RECEIVED = "received"
    HELD = "held"
    REOPENED = "reopened"
    """A person let a held transfer go on."""
    REFUSED = "refused"
    RELEASED = "released"
    PUBLISHED = "published"
    COLLECTED = "collected"
    ACKNOWLEDGED = "acknowledged"
    EXPIRED = "expired"
    RECIPIENT_ADDED = "recipient-added"
    RECIPIENT_REVOKED = "recipient-revoked"


_OF_RECIPIENTS = frozenset({Event.RECIPIENT_ADDED, Event.RECIPIENT_REVOKED})
_WITH_PACKAGE = frozenset({Event.RELEASED, Event.PUBLISHED, Event.COLLECTED, Event.ACKNOWLEDGED})


class Method(StrEnum):
    """How a package is sealed: the method of transfer of LAW.md 2.7."""

    HYBRID = "age-v1-mlkem768x25519"
    CLASSIC = "age-v1-x25519"


def _one_of(kind: type[object]) -> Check:
    def check(field: str, value: object) -> object:
        return value if isinstance(value, kind) else refuse(field)

    return check


def _set_of(check: Check) -> Check:
    """Return a check for a tuple that is a set in truth: it comes back sorted, nothing in it twice."""

    def check_all(field: str, values: object) -> object:
        if not isinstance(values, tuple):
            refuse(field)
        return tuple(sorted({check(field, value) for value in values}))  # type: ignore[type-var]  # all sortable

    return check_all


class _Record:
    """Checks every field that is there, and brings it into its canonical form."""

    __slots__ = ()
    _CHECKS: ClassVar[Mapping[str, Check]]

    def __post_init__(self) -> None:
        for field, check in self._CHECKS.items():
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, check(field, value))


@dataclass(frozen=True, slots=True)
class Exporter(_Record):
    """The clinic: its legal name and country."""

    name: str
    country: str

    _CHECKS: ClassVar[Mapping[str, Check]] = {"name": fields.name, "country": fields.country}


@dataclass(frozen=True, slots=True)
class Importer(_Record):
    """The recipient; `key` is the fingerprint of the age key that packages are sealed to."""

    id: str
    name: str
    country: str
    role: Role
    key: str

    _CHECKS: ClassVar[Mapping[str, Check]] = {
        "id": fields.identifier,
        "name": fields.name,
        "country": fields.country,
        "role": _one_of(Role),
        "key": fields.digest,
    }


@dataclass(frozen=True, slots=True)
class StatedBasis(_Record):
    """The mechanism a transfer relies on (LAW.md 2.7) and the papers that show it."""

    mechanism: str
    document_sha256: str | None = None
    assessment: str | None = None
    valid_until: date | None = None

    _CHECKS: ClassVar[Mapping[str, Check]] = {
        "mechanism": fields.code,
        "document_sha256": fields.digest,
        "assessment": fields.identifier,
        "valid_until": fields.day,
    }


@dataclass(frozen=True, slots=True, order=True)
class Category(_Record):
    """A category of data: how many scans of one kind and role."""

    kind: str
    role: str
    count: int

    _CHECKS: ClassVar[Mapping[str, Check]] = {"kind": fields.code, "role": fields.code, "count": fields.count}


@dataclass(frozen=True, slots=True)
class Pseudonymised(_Record):
    """The de-identification profile that was applied, and the digest of its rules."""

    profile: str
    digest: str

    _CHECKS: ClassVar[Mapping[str, Check]] = {"profile": fields.code, "digest": fields.digest}


@dataclass(frozen=True, slots=True)
class Package(_Record):
    """The sealed package as it lies in the outgoing store."""

    sha256: str
    size: int

    _CHECKS: ClassVar[Mapping[str, Check]] = {"sha256": fields.digest, "size": fields.count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(_Record):
    """One event, with the facts of LAW.md 2.7 that are known when it happens.

    `event_id` is made by the caller: an event written twice is recorded once. Where `basis` is None
    the leaf says that none was stated. `codes` are of a hold or a refusal, `reason` is of a person's
    act, `without` names the scans that a person took out, `items` and `size` count what was uploaded.
    """

    event: Event
    event_id: str
    at: datetime
    exporter: Exporter
    recipient: Importer
    transfer: str | None = None
    case: str | None = None
    source: str | None = None
    destination: str | None = None
    purpose: str | None = None
    categories: tuple[Category, ...] = ()
    items: int | None = None
    size: int | None = None
    basis: StatedBasis | None = None
    method: Method | None = None
    pseudonymised: Pseudonymised | None = None
    package: Package | None = None
    subject_commitment: str | None = None
    codes: tuple[str, ...] = ()
    reason: str | None = None
    without: tuple[str, ...] = ()
    attempt: int | None = None
    expires: datetime | None = None

    _CHECKS: ClassVar[Mapping[str, Check]] = {
        "event": _one_of(Event),
        "event_id": fields.identifier,
        "at": fields.moment,
        "exporter": _one_of(Exporter),
        "recipient": _one_of(Importer),
        "transfer": fields.identifier,
        "case": fields.identifier,
        "source": fields.country,
        "destination": fields.country,
        "purpose": fields.code,
        "categories": _set_of(_one_of(Category)),
        "items": fields.count,
        "size": fields.count,
        "basis": _one_of(StatedBasis),
        "method": _one_of(Method),
        "pseudonymised": _one_of(Pseudonymised),
        "package": _one_of(Package),
        "subject_commitment": fields.digest,
        "codes": _set_of(fields.code),
        "reason": fields.code,
        "without": _set_of(fields.identifier),
        "attempt": fields.count,
        "expires": fields.moment,
    }

    def __post_init__(self) -> None:
        _Record.__post_init__(self)
        for field in _required(self.event):
            if getattr(self, field) is None:
                refuse(field)
        if self.event in (Event.HELD, Event.REFUSED) and not (self.codes or self.reason):
            refuse("codes")

    def leaf(self) -> bytes:
        """Return the canonical JSON of the entry: the bytes the tree commits to."""
        plain = _plain(self)
        plain["v"] = VERSION
        plain.setdefault("basis", NOT_STATED)
        return canonical(plain)

    @classmethod
    def parse(cls, leaf: bytes) -> Entry:
        """Return the entry whose leaf this is; raises `InvalidEntry` for any other bytes."""
        try:
            entry = _entry(_known(json.loads(leaf)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InvalidEntry("leaf-malformed", "a leaf is no entry of a version known here") from None
        if entry.leaf() != leaf:
            raise InvalidEntry("leaf-not-canonical", "a leaf is not in canonical form")
        return entry


@dataclass(frozen=True, slots=True)
class Summary:
    """What the ledger's columns repeat of a leaf."""

    event: str
    event_id: str
    transfer: str | None

    @classmethod
    def of(cls, leaf: bytes) -> Summary:
        """Return the summary of a leaf in canonical form; raises `InvalidEntry` for any other bytes."""
        try:
            read = _known(json.loads(leaf))
            if canonical(read) != leaf or not unicodedata.is_normalized("NFC", leaf.decode()):
                raise InvalidEntry("leaf-not-canonical", "a leaf is not in canonical form")
            return cls(str(read["event"]), str(read["event_id"]), read.get("transfer"))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise InvalidEntry("leaf-malformed", "a leaf is no entry of a version known here") from None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry where the ledger holds it."""

    position: int
    entry: Entry
    leaf_hash: bytes


Json = None | str | int | list["Json"] | dict[str, "Json"]


def named(text: str) -> str:
    """Return a legal name in Unicode form NFC, as leaves hold it."""
    return unicodedata.normalize("NFC", text)


def canonical(plain: dict[str, Json]) -> bytes:
    """Return the one JSON text of `plain`: sorted keys, no white space, UTF-8."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def written(moment: datetime) -> str:
    """Return a time in UTC as leaves hold it: RFC 3339 with microseconds and `Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _required(event: Event) -> tuple[str, ...]:
    always = ("event", "event_id", "at", "exporter", "recipient")
    if event in _OF_RECIPIENTS:
        return always
    facts = (*always, "transfer", "case", "source", "destination", "purpose")
    return (*facts, "subject_commitment", "package", "method", "pseudonymised") if event in _WITH_PACKAGE else facts


def _plain(record: _Record) -> dict[str, Json]:
    plain: dict[str, Json] = {}
    for field in record._CHECKS:
        value = getattr(record, field)
        if value is not None and value != ():
            plain[field] = _written(value)
    return plain


def _written(value: object) -> Json:
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if isinstance(value, _Record):
        return _plain(value)
    return value if type(value) is int else str(value)


def _basis(read: Any) -> StatedBasis | None:
    if read == NOT_STATED:
        return None
    if "valid_until" in read:
        read = {**read, "valid_until": date.fromisoformat(read["valid_until"])}
    return StatedBasis(**read)


_READ: Mapping[str, Callable[[Any], object]] = {
    "event": Event,
    "at": datetime.fromisoformat,
    "exporter": lambda read: Exporter(**read),
    "recipient": lambda read: Importer(**{**read, "role": Role(read["role"])}),
    "categories": lambda read: tuple(Category(**one) for one in read),
    "basis": _basis,
    "method": Method,
    "pseudonymised": lambda read: Pseudonymised(**read),
    "package": lambda read: Package(**read),
    "codes": tuple,
    "without": tuple,
    "expires": datetime.fromisoformat,
}


def _known(read: Any) -> dict[str, Any]:
    if not isinstance(read, dict) or read.get("v") != VERSION:
        raise InvalidEntry("leaf-version", "a leaf is of a version not known here", "use a newer pseudodont")
    return read


def _entry(read: dict[str, Any]) -> Entry:
    facts: dict[str, Any] = {
        field: _READ[field](value) if field in _READ else value for field, value in read.items() if field != "v"
    }
    return Entry(**facts)
