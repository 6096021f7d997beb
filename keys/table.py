"""The key table: who a case is about, and what that subject is called in each recipient's domain.

Three chains, none of which can be walked without the key-encryption key:
case -> subject (sealed), subject and domain -> assignment (found by a keyed hash, sealed under the
subject's data key), domain and pseudonym -> subject (found by a keyed hash, sealed).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from keys import pseudonyms, schema
from keys.cipher import KEY_SIZE, Random, keyed, seal, unseal
from keys.database import Collision, Database
from keys.errors import KeysMisconfigured, KeysRefused, KeysUnavailable
from keys.matching import blind_index, conflicting
from keys.model import Assignment, Enrolment, Facts, Subject
from keys.wrapping import DataKeys, ServiceKeys

Clock = Callable[[], datetime]
_T = TypeVar("_T")

_TRIES = 5
_FORMAT = "1"
_PADDED = 512
_LEAST_SHIFT, _MOST_SHIFT = 365, 3650


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What is fixed when a subject is first asked for in a domain, and never changes."""

    assignment: Assignment
    salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyTable:
    """Every operation is one transaction, and may be repeated with the same outcome."""

    database: Database
    keys: ServiceKeys = field(repr=False)
    data_keys: DataKeys
    random: Random = field(repr=False)
    clock: Clock = field(repr=False)

    def enrol(self, enrolment: Enrolment) -> None:
        """Make the case, its subject and its transfers known, or find them known already."""
        self._written(lambda connection: self._enrol(connection, enrolment))

    def facts(self, transfer_id: str) -> Facts:
        """Return the subject commitment for an open transfer."""
        pid, fixed = self._fixed(transfer_id)
        return Facts(keyed(fixed.salt, pid).hex())

    def assignment(self, transfer_id: str) -> Assignment:
        """Return the assignment of an open transfer's subject in its recipient's domain."""
        return self._fixed(transfer_id)[1].assignment

    def close(self, transfer_id: str) -> None:
        """End a transfer; one that has ended stays as it is."""
        self._written(lambda connection: self._close(connection, transfer_id))

    def _written(self, write: Callable[[sa.Connection], _T]) -> _T:
        for _ in range(_TRIES):
            try:
                with self.database.writing() as connection:
                    return write(connection)
            except Collision:
                continue
        raise KeysUnavailable("database-unavailable")

    def _enrol(self, connection: sa.Connection, enrolment: Enrolment) -> None:
        digest = keyed(self.keys.enrolment_digest, _canonical(enrolment))
        table = schema.enrolment
        known = connection.scalar(sa.select(table.c.digest).where(table.c.case_id == enrolment.case_id))
        if known is not None:
            if not hmac.compare_digest(known, digest):
                raise KeysRefused("case-enrolled-differently")
            return
        _refuse_known_transfers(connection, enrolment)
        pid = self._subject(connection, enrolment.subject)
        sealed = seal(self.keys.enrolment, pid.encode(), "enrolment", enrolment.case_id, random=self.random)
        connection.execute(table.insert().values(case_id=enrolment.case_id, digest=digest, subject=sealed))
        connection.execute(schema.transfer.insert(), _rows(enrolment))

    def _subject(self, connection: sa.Connection, stated: Subject) -> str:
        index = blind_index(self.keys.blind_index, stated.issuer, stated.patient_id)
        table = schema.subject_index
        pid = connection.scalar(sa.select(table.c.pid).where(table.c.blind_index == index))
        if pid is None:
            return self._new_subject(connection, index, stated)
        self._same_subject(connection, pid, stated)
        return str(pid)

    def _new_subject(self, connection: sa.Connection, index: bytes, stated: Subject) -> str:
        # The data key is durable before the row: a crash between them leaves a key that seals nothing.
        pid = self.random(16).hex()
        sealed = self._sealed_identity(self.data_keys.create(pid), pid, 1, stated)
        connection.execute(schema.subject.insert().values(pid=pid, version=1, identity=sealed))
        connection.execute(schema.subject_index.insert().values(blind_index=index, pid=pid))
        return pid

    def _same_subject(self, connection: sa.Connection, pid: str, stated: Subject) -> None:
        """Take over what the new order says of a known subject; never merge two people."""
        table = schema.subject
        row = connection.execute(sa.select(table.c.version, table.c.identity).where(table.c.pid == pid)).one()
        key = self.data_keys.key(pid)
        known = _identity(unseal(key, row.identity, "identity", _FORMAT, str(row.version), pid))
        if conflicting(known.birth_date, stated.birth_date):
            raise KeysRefused("identity-conflict")
        current = _updated(known, stated)
        if current != known:
            version = row.version + 1
            sealed = self._sealed_identity(key, pid, version, current)
            connection.execute(table.update().where(table.c.pid == pid).values(version=version, identity=sealed))

    def _sealed_identity(self, key: bytes, pid: str, version: int, subject: Subject) -> bytes:
        text = json.dumps(asdict(subject)).encode()
        # Padded, so that the size does not tell one person's record from another's.
        padded = text.ljust(-(-len(text) // _PADDED) * _PADDED)
        return seal(key, padded, "identity", _FORMAT, str(version), pid, random=self.random)

    def _fixed(self, transfer_id: str) -> tuple[str, _Fixed]:
        with self.database.reading() as connection:
            pid, domain = self._open(connection, transfer_id)
            found = self._known(connection, pid, domain)
        if found is not None:
            return pid, found
        return pid, self._written(lambda connection: self._fix(connection, pid, domain))

    def _open(self, connection: sa.Connection, transfer_id: str) -> tuple[str, str]:
        """Return subject and domain of an open transfer."""
        transfer, enrolment = schema.transfer, schema.enrolment
        row = connection.execute(
            sa.select(transfer, enrolment.c.subject)
            .join_from(transfer, enrolment)
            .where(transfer.c.transfer_id == transfer_id)
        ).one_or_none()
        if row is None:
            raise KeysRefused("transfer-unknown")
        if row.closed is not None:
            raise KeysRefused("transfer-closed")
        if row.expires <= self.clock().timestamp():
            raise KeysRefused("transfer-expired")
        pid = unseal(self.keys.enrolment, row.subject, "enrolment", row.case_id)
        return pid.decode(), row.domain

    def _known(self, connection: sa.Connection, pid: str, domain: str) -> _Fixed | None:
        table = schema.forward
        key = keyed(self.keys.forward, pid, domain)
        sealed = connection.scalar(sa.select(table.c.assignment).where(table.c.key == key))
        if sealed is None:
            return None
        return _parsed(unseal(self.data_keys.key(pid), sealed, "assignment", _FORMAT, pid, domain))

    def _fix(self, connection: sa.Connection, pid: str, domain: str) -> _Fixed:
        known = self._known(connection, pid, domain)
        if known is not None:
            return known
        fixed = self._drawn()
        pseudonym = fixed.assignment.pseudonym
        text = _text(fixed)
        forward = seal(self.data_keys.key(pid), text, "assignment", _FORMAT, pid, domain, random=self.random)
        reverse = seal(self.keys.reverse_value, pid.encode(), "reverse", domain, pseudonym, random=self.random)
        connection.execute(
            schema.forward.insert().values(key=keyed(self.keys.forward, pid, domain), assignment=forward)
        )
        connection.execute(
            schema.reverse.insert().values(key=keyed(self.keys.reverse, domain, pseudonym), subject=reverse)
        )
        return fixed

    def _drawn(self) -> _Fixed:
        shifts = _MOST_SHIFT - _LEAST_SHIFT + 1
        days = _LEAST_SHIFT + int.from_bytes(self.random(16)) % shifts
        assignment = Assignment(pseudonyms.new(self.random), self.random(KEY_SIZE), -days)
        return _Fixed(assignment, self.random(KEY_SIZE))

    def _close(self, connection: sa.Connection, transfer_id: str) -> None:
        table = schema.transfer
        row = connection.execute(sa.select(table.c.closed).where(table.c.transfer_id == transfer_id)).first()
        if row is None:
            raise KeysRefused("transfer-unknown")
        if row.closed is None:
            closed = int(self.clock().timestamp())
            connection.execute(table.update().where(table.c.transfer_id == transfer_id).values(closed=closed))


def _refuse_known_transfers(connection: sa.Connection, enrolment: Enrolment) -> None:
    table = schema.transfer
    named = [transfer.transfer_id for transfer in enrolment.transfers]
    if connection.execute(sa.select(table.c.case_id).where(table.c.transfer_id.in_(named))).first():
        raise KeysRefused("transfer-enrolled-elsewhere")


def _rows(enrolment: Enrolment) -> list[dict[str, str | int | None]]:
    return [
        {
            "transfer_id": transfer.transfer_id,
            "case_id": enrolment.case_id,
            "domain": transfer.domain,
            "expires": int(transfer.expires.timestamp()),
            "closed": None,
        }
        for transfer in enrolment.transfers
    ]


def _canonical(enrolment: Enrolment) -> bytes:
    transfers = sorted((t.transfer_id, t.domain, int(t.expires.timestamp())) for t in enrolment.transfers)
    return json.dumps([enrolment.case_id, asdict(enrolment.subject), transfers], sort_keys=True).encode()


def _updated(known: Subject, stated: Subject) -> Subject:
    news = {name: value for name, value in asdict(stated).items() if value is not None}
    return replace(known, **news | {"issuer": known.issuer, "patient_id": known.patient_id})


def _identity(text: bytes) -> Subject:
    try:
        return Subject(**json.loads(text))
    except (ValueError, TypeError):
        raise KeysMisconfigured("keys-damaged") from None


def _text(fixed: _Fixed) -> bytes:
    assignment = fixed.assignment
    return json.dumps(
        {
            "pseudonym": assignment.pseudonym,
            "uid_key": assignment.uid_key.hex(),
            "date_shift_days": f"{assignment.date_shift_days:05d}",
            "salt": fixed.salt.hex(),
        }
    ).encode()


def _parsed(text: bytes) -> _Fixed:
    try:
        stored = json.loads(text)
        uid_key, salt = bytes.fromhex(stored["uid_key"]), bytes.fromhex(stored["salt"])
        return _Fixed(Assignment(stored["pseudonym"], uid_key, int(stored["date_shift_days"])), salt)
    except (ValueError, KeyError, TypeError):
        raise KeysMisconfigured("keys-damaged") from None
