"""Who may work on a transfer, for how long, and what an attempt may leave behind.

A worker's writes are fenced by the attempt it leased: after another worker has taken the transfer they
change nothing. Every one is a conditional statement inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from worker import cases, schema
from worker.database import timestamp
from worker.model import Hold, Lease, State, TransferId

LEASE = timedelta(seconds=30)
DEATHS = 3
"""So many deaths of its own making hold a transfer."""

_table = schema.transfer


@dataclass(frozen=True, slots=True)
class Released:
    """The object that won: where it lies, what it is, and under which profile it was made."""

    object: str
    sha256: str
    size: int
    profile: str
    profile_digest: str


def due(connection: Connection, now: datetime) -> list[TransferId]:
    """Return what a worker may lease now, the oldest first."""
    query = select(_table.c.id).where(_leasable(now)).order_by(_table.c.created_at, _table.c.id)
    return [TransferId(row.id) for row in connection.execute(query)]


def take(connection: Connection, transfer: TransferId, now: datetime) -> Lease | None:
    """Count an attempt and take the transfer for `LEASE`, or return None when it is not to be had.

    The death is booked before the work starts and taken back when the attempt ends in any other way,
    so that a killed worker needs to say nothing.
    """
    taken = connection.execute(
        _table.update()
        .where(_table.c.id == transfer, _leasable(now), _table.c.deaths < DEATHS)
        .values(
            state=State.PROCESSING,
            attempt=_table.c.attempt + 1,
            deaths=_table.c.deaths + 1,
            lease_until=timestamp(now + LEASE),
            not_before=None,
        )
    )
    if taken.rowcount != 1:
        return None
    leased = cases.get(connection, transfer)
    return None if leased is None else Lease(leased, leased.attempt)


def is_worn_out(connection: Connection, transfer: TransferId, now: datetime) -> bool:
    """Return whether the transfer is leasable but for the deaths it caused."""
    query = select(_table.c.id).where(_table.c.id == transfer, _leasable(now), _table.c.deaths >= DEATHS)
    return connection.execute(query).one_or_none() is not None


def renew(connection: Connection, lease: Lease, now: datetime) -> bool:
    """Extend the lease; False when it was lost, and a lease that ran out is lost for ever."""
    return _change(connection, lease, now, lease_until=timestamp(now + LEASE))


def give_back(connection: Connection, lease: Lease, not_before: datetime) -> bool:
    """End an attempt that a dependency's absence ended: it costs nothing."""
    return _change(
        connection,
        lease,
        state=State.RECEIVED,
        lease_until=None,
        deaths=_table.c.deaths - 1,
        not_before=timestamp(not_before),
    )


def put_off(connection: Connection, transfer: TransferId, not_before: datetime) -> None:
    """Let no worker begin before then: what the beginning needs is away."""
    connection.execute(_table.update().where(_table.c.id == transfer).values(not_before=timestamp(not_before)))


def give_up(connection: Connection, lease: Lease) -> bool:
    """End an attempt that failed by its own making: the death stays booked."""
    return _change(connection, lease, state=State.RECEIVED, lease_until=None)


def set_released(connection: Connection, lease: Lease, package: Released, now: datetime) -> bool:
    """Name the winning object; False when the lease was lost or ran out, and then nothing changed.

    The sweep deletes what no running lease covers, so an attempt that outlived its lease must not win.
    """
    return _change(
        connection,
        lease,
        now,
        state=State.RELEASED,
        lease_until=None,
        deaths=0,
        object=package.object,
        package_sha256=package.sha256,
        package_size=package.size,
        profile=package.profile,
        profile_digest=package.profile_digest,
    )


def set_held(connection: Connection, lease: Lease, holds: Sequence[Hold]) -> bool:
    """Hold the transfer for `holds`; False when the lease was lost."""
    if not _change(connection, lease, state=State.HELD, lease_until=None, deaths=0):
        return False
    cases.record_holds(connection, lease.transfer.id, holds)
    return True


def set_refused(connection: Connection, lease: Lease) -> bool:
    """End the transfer by a rule; False when the lease was lost."""
    return _change(connection, lease, state=State.REFUSED, lease_until=None, deaths=0)


def set_worn_out(connection: Connection, transfer: TransferId, now: datetime, holds: Sequence[Hold]) -> bool:
    """Hold a transfer that nobody works on any more because of the deaths it caused."""
    changed = connection.execute(
        _table.update()
        .where(_table.c.id == transfer, _leasable(now), _table.c.deaths >= DEATHS)
        .values(state=State.HELD, lease_until=None, deaths=0)
    )
    if changed.rowcount != 1:
        return False
    cases.record_holds(connection, transfer, holds)
    return True


def set_unanswered(connection: Connection, transfer: TransferId, holds: Sequence[Hold]) -> bool:
    """Hold a transfer that waits and that the key service refuses to speak of."""
    if not cases.set_state(connection, transfer, (State.RECEIVED,), State.HELD):
        return False
    cases.record_holds(connection, transfer, holds)
    return True


def _leasable(now: datetime) -> ColumnElement[bool]:
    text = timestamp(now)
    return and_(
        _table.c.state.in_((State.RECEIVED, State.PROCESSING)),
        or_(_table.c.lease_until.is_(None), _table.c.lease_until < text),
        or_(_table.c.not_before.is_(None), _table.c.not_before <= text),
        _table.c.expires_at >= text,
    )


def _change(connection: Connection, lease: Lease, now: datetime | None = None, **values: object) -> bool:
    """Change the leased transfer; with `now` only while the lease runs."""
    statement = _table.update().where(
        _table.c.id == lease.transfer.id,
        _table.c.attempt == lease.attempt,
        _table.c.state == State.PROCESSING,
    )
    if now is not None:
        statement = statement.where(_table.c.lease_until >= timestamp(now))
    return connection.execute(statement.values(**values)).rowcount == 1
