"""Cases, their items, and their transfers: what was handed in, where it stands, what holds it.

Every change of state is one conditional statement inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from worker import schema
from worker.database import moment, timestamp
from worker.model import (
    UNFINISHED,
    CaseId,
    Hold,
    Item,
    Part,
    RecipientId,
    State,
    Transfer,
    TransferId,
)

_table = schema.transfer


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """Where the sealed order of a case lies."""

    object: str
    size: int
    sha256: str


def create(
    connection: Connection,
    case: CaseId,
    order: SealedOrder,
    items: Sequence[Item],
    transfers: Sequence[Transfer],
) -> None:
    """Record a case, its items and one transfer per recipient."""
    connection.execute(
        schema.case.insert().values(
            id=case,
            created_at=timestamp(transfers[0].created_at),
            purpose=transfers[0].purpose,
            order_object=order.object,
            order_size=order.size,
            order_sha256=order.sha256,
        )
    )
    for item in items:
        connection.execute(
            schema.item.insert().values(case_id=case, ordinal=item.ordinal, size=item.size, sha256=item.sha256)
        )
        of_item = {"case_id": case, "item": item.ordinal}
        rows = [
            {**of_item, "ordinal": ordinal, "object": part.object, "size": part.size, "sha256": part.sha256}
            for ordinal, part in enumerate(item.parts)
        ]
        connection.execute(schema.part.insert(), rows)
    for transfer in transfers:
        connection.execute(
            _table.insert().values(
                id=transfer.id,
                case_id=case,
                recipient_id=transfer.recipient,
                state=State.RECEIVED,
                created_at=timestamp(transfer.created_at),
                expires_at=timestamp(transfer.expires_at),
            )
        )


def transfers(connection: Connection, *states: State) -> list[Transfer]:
    """Return the transfers in `states`, or all of them, the oldest first."""
    query = _select().order_by(_table.c.created_at, _table.c.id)
    if states:
        query = query.where(_table.c.state.in_(states))
    return [_transfer(row) for row in connection.execute(query)]


def find(connection: Connection, name: str) -> list[Transfer]:
    """Return the transfer called `name`, or those of the case called so; empty when there is none."""
    query = _select().where(or_(_table.c.id == name, _table.c.case_id == name)).order_by(_table.c.id)
    return [_transfer(row) for row in connection.execute(query)]


def get(connection: Connection, transfer: TransferId) -> Transfer | None:
    """Return the transfer, or None."""
    row = connection.execute(_select().where(_table.c.id == transfer)).one_or_none()
    return None if row is None else _transfer(row)


def unfinished(connection: Connection) -> int:
    """Return how many transfers still want a worker."""
    query = select(func.count()).select_from(_table).where(_table.c.state.in_(UNFINISHED))
    return int(connection.execute(query).scalar_one())


def set_state(connection: Connection, transfer: TransferId, before: Sequence[State], after: State) -> bool:
    """Move a transfer that no worker holds from one of the states `before` to `after`."""
    changed = connection.execute(
        _table.update().where(_table.c.id == transfer, _table.c.state.in_(before)).values(state=after)
    )
    return changed.rowcount == 1


def set_entry(connection: Connection, transfer: TransferId, position: int) -> None:
    """Remember the ledger position of the *released* entry."""
    connection.execute(_table.update().where(_table.c.id == transfer).values(entry=position))


def set_commitment(connection: Connection, transfer: TransferId, commitment: str) -> None:
    """Remember the subject commitment that every later ledger entry carries."""
    connection.execute(_table.update().where(_table.c.id == transfer).values(commitment=commitment))


def set_closed(connection: Connection, transfer: TransferId) -> None:
    """Remember that the key service was told the transfer is closed."""
    connection.execute(_table.update().where(_table.c.id == transfer).values(closed=1))


def to_close(connection: Connection) -> list[TransferId]:
    """Return ended transfers that the key service may still hold open."""
    ended = (State.REFUSED, State.EXPIRED, State.PUBLISHED, State.COLLECTED, State.ACKNOWLEDGED)
    query = select(_table.c.id).where(_table.c.state.in_(ended), _table.c.closed == 0)
    return [TransferId(row.id) for row in connection.execute(query)]


def overdue(connection: Connection, now: datetime) -> list[Transfer]:
    """Return transfers that nobody works on and whose time has run out before a release."""
    text = timestamp(now)
    waiting = or_(
        _table.c.state.in_((State.RECEIVED, State.HELD)),
        and_(_table.c.state == State.PROCESSING, _table.c.lease_until < text),
    )
    query = _select().where(waiting, _table.c.expires_at < text)
    return [_transfer(row) for row in connection.execute(query)]


def unleased(connection: Connection, now: datetime) -> list[Transfer]:
    """Return the transfers that no worker may still be writing for."""
    ended = or_(_table.c.lease_until.is_(None), _table.c.lease_until < timestamp(now))
    return [_transfer(row) for row in connection.execute(_select().where(ended))]


def holds(connection: Connection, transfer: TransferId) -> list[Hold]:
    """Return why the transfer is held."""
    query = select(schema.hold).where(schema.hold.c.transfer_id == transfer).order_by(schema.hold.c.ordinal)
    return [Hold(row.code, row.scan, row.place) for row in connection.execute(query)]


def reopen(connection: Connection, transfer: TransferId, without: Sequence[str], reason: str, looked: bool) -> bool:
    """Let a held transfer go on, without some scans; `looked` says that a person saw the pictures."""
    if not set_state(connection, transfer, (State.HELD,), State.RECEIVED):
        return False
    connection.execute(schema.hold.delete().where(schema.hold.c.transfer_id == transfer))
    if looked:
        connection.execute(_table.update().where(_table.c.id == transfer).values(pixels_checked=1))
    known = exclusions(connection, transfer)
    for scan in without:
        if scan not in known:
            connection.execute(schema.exclusion.insert().values(transfer_id=transfer, scan=scan, reason=reason))
    return True


def exclusions(connection: Connection, transfer: TransferId) -> frozenset[str]:
    """Return the scans a person took out of the transfer."""
    query = select(schema.exclusion.c.scan).where(schema.exclusion.c.transfer_id == transfer)
    return frozenset(row.scan for row in connection.execute(query))


def is_looked_at(connection: Connection, transfer: TransferId) -> bool:
    """Return whether a person saw the pictures while the transfer was held."""
    query = select(_table.c.pixels_checked).where(_table.c.id == transfer)
    return bool(connection.execute(query).scalar_one())


def items(connection: Connection, case: CaseId) -> list[Item]:
    """Return the uploaded items of a case with their parts, in order."""
    query = select(schema.part).where(schema.part.c.case_id == case)
    parts: dict[int, list[Part]] = {}
    for row in connection.execute(query.order_by(schema.part.c.item, schema.part.c.ordinal)):
        parts.setdefault(row.item, []).append(Part(row.object, row.size, row.sha256))
    rows = connection.execute(select(schema.item).where(schema.item.c.case_id == case).order_by(schema.item.c.ordinal))
    return [Item(row.ordinal, row.size, row.sha256, tuple(parts.get(row.ordinal, ()))) for row in rows]


def order_of(connection: Connection, case: CaseId) -> SealedOrder:
    """Return where the sealed order of a case lies."""
    row = connection.execute(select(schema.case).where(schema.case.c.id == case)).one()
    return SealedOrder(row.order_object, row.order_size, row.order_sha256)


def case_ids(connection: Connection) -> set[str]:
    """Return the ids of every case."""
    return {row.id for row in connection.execute(select(schema.case.c.id))}


def record_holds(connection: Connection, transfer: TransferId, holds: Sequence[Hold]) -> None:
    """Say why the transfer is held, in place of what was said before."""
    connection.execute(schema.hold.delete().where(schema.hold.c.transfer_id == transfer))
    for ordinal, hold in enumerate(holds):
        connection.execute(
            schema.hold.insert().values(
                transfer_id=transfer, ordinal=ordinal, code=hold.code, scan=hold.scan, place=hold.where
            )
        )


def _select() -> Select[Any]:
    uploaded = select(func.count(), func.sum(schema.item.c.size)).where(schema.item.c.case_id == _table.c.case_id)
    count = uploaded.with_only_columns(func.count()).scalar_subquery()
    size = uploaded.with_only_columns(func.sum(schema.item.c.size)).scalar_subquery()
    return select(_table, schema.case.c.purpose, count.label("items"), size.label("size")).join(
        schema.case, schema.case.c.id == _table.c.case_id
    )


def _transfer(row: Row[Any]) -> Transfer:
    return Transfer(
        id=TransferId(row.id),
        case=CaseId(row.case_id),
        recipient=RecipientId(row.recipient_id),
        state=State(row.state),
        purpose=row.purpose,
        items=row.items,
        size=row.size,
        created_at=moment(row.created_at),
        expires_at=moment(row.expires_at),
        attempt=row.attempt,
        commitment=row.commitment,
        object=row.object,
        package_sha256=row.package_sha256,
        package_size=row.package_size,
        profile=row.profile,
        profile_digest=row.profile_digest,
        entry=row.entry,
    )
