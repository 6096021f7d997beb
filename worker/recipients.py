"""Labs and affiliates: who may receive, under which key, on which stated basis."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from worker import schema
from worker.database import moment, timestamp
from worker.errors import Unusable
from worker.model import Basis, Recipient, RecipientId, Role
from worker.sealing import SealingError, parse_recipient

_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_CODE = re.compile(r"(?=.{1,80}$)[a-z0-9]+(?:[.-][a-z0-9]+)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,79}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def recipient(name: str, *, legal_name: str, country: str, role: Role, key: str, basis: Basis | None) -> Recipient:
    """Return a recipient whose parts were checked; raises `Unusable`."""
    if not _ID.fullmatch(name):
        raise Unusable("recipient-id", "a recipient id has 2 to 40 of a-z, 0-9 and -", "for example lab-sofia")
    if not legal_name.strip() or not legal_name.isprintable() or len(legal_name) > 200:
        raise Unusable("recipient-name", "the recipient has no printable name", "give --name")
    try:
        parsed = parse_recipient(key.strip())
    except SealingError:
        raise Unusable(
            "recipient-key",
            "the key is not an age recipient",
            "ask the lab for the line `pseudodont keygen` printed",
        ) from None
    return Recipient(
        id=RecipientId(name),
        name=unicodedata.normalize("NFC", legal_name.strip()),
        country=checked_country(country),
        role=role,
        key=parsed.text,
        fingerprint=parsed.fingerprint,
        basis=basis,
    )


def checked_country(code: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in capitals; raises `Unusable`."""
    if not re.fullmatch(r"[A-Za-z]{2}", code):
        raise Unusable("country-code", "a country is two letters (ISO 3166-1)", "for example BG")
    return code.upper()


def read_basis(data: bytes) -> Basis:
    """Return the basis that a TOML file states (docs/basis.md); raises `Unusable` naming its faults."""
    try:
        content: dict[str, Any] = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Unusable("basis-invalid", "the basis is not a TOML file", "see docs/basis.md") from None
    checks: dict[str, Callable[[object], bool]] = {
        "mechanism": lambda value: _matches(_CODE, value),
        "document_sha256": lambda value: _matches(_DIGEST, value),
        "assessment": lambda value: _matches(_NAME, value),
        "valid_until": lambda value: type(value) is date,
    }
    faults = [f"unknown field {name}" for name in content if name not in checks]
    faults += [f"{name} is not valid" for name, valid in checks.items() if name in content and not valid(content[name])]
    if "mechanism" not in content:
        faults.append("mechanism is missing")
    if faults:
        raise Unusable("basis-invalid", f"the basis cannot be used: {'; '.join(faults)}", "see docs/basis.md")
    return Basis(**{name: str(value) for name, value in content.items()})


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def add(connection: Connection, new: Recipient, now: datetime) -> None:
    """Record a recipient; raises `Unusable` when the id was ever used."""
    if get(connection, new.id) is not None:
        raise Unusable("recipient-exists", f"recipient {new.id} exists", "choose another id: an id is never re-used")
    connection.execute(
        schema.recipient.insert().values(
            id=new.id,
            name=new.name,
            country=new.country,
            role=new.role,
            key=new.key,
            fingerprint=new.fingerprint,
            basis=None if new.basis is None else json.dumps(asdict(new.basis)),
            added_at=timestamp(now),
        )
    )


def revoke(connection: Connection, name: str, now: datetime) -> Recipient:
    """Let nothing more go to the recipient; raises `Unusable` when there is none to revoke."""
    found = known(connection, name)
    table = schema.recipient
    connection.execute(table.update().where(table.c.id == name).values(revoked_at=timestamp(now)))
    return replace(found, revoked_at=now)


def known(connection: Connection, name: str) -> Recipient:
    """Return the recipient that may receive; raises `Unusable` when unknown or revoked."""
    found = get(connection, RecipientId(name))
    if found is None:
        raise Unusable("recipient-unknown", f"recipient {name} is not known", "see `pseudodont recipient list`")
    if found.revoked_at is not None:
        raise Unusable("recipient-revoked", f"recipient {name} is revoked", "add the lab under a new id")
    return found


def get(connection: Connection, name: RecipientId) -> Recipient | None:
    """Return the recipient, revoked or not, or None."""
    row = connection.execute(select(schema.recipient).where(schema.recipient.c.id == name)).one_or_none()
    return None if row is None else _recipient(row)


def everyone(connection: Connection) -> list[Recipient]:
    """Return every recipient, the revoked ones too, by id."""
    query = select(schema.recipient).order_by(schema.recipient.c.id)
    return [_recipient(row) for row in connection.execute(query)]


def _recipient(row: Row[tuple[Any, ...]]) -> Recipient:
    return Recipient(
        id=RecipientId(row.id),
        name=row.name,
        country=row.country,
        role=Role(row.role),
        key=row.key,
        fingerprint=row.fingerprint,
        basis=None if row.basis is None else Basis(**json.loads(row.basis)),
        revoked_at=None if row.revoked_at is None else moment(row.revoked_at),
    )
