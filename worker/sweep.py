"""What a worker does between messages: enqueue what is due, publish, expire, close, clear away.

The database is the truth. Whatever the queue lost or doubled, whichever worker died, the sweep finds
it here; each step may be repeated and may be done by several workers at once.
"""

from __future__ import annotations

from datetime import timedelta

from keys.client import KeysError
from worker import cases, leases
from worker.database import transaction
from worker.delivery import publish
from worker.errors import Unavailable
from worker.journal import enter
from worker.logs import LOG
from worker.model import State, TransferId
from worker.records import Event
from worker.services import Records, Services

_ORPHAN_AGE = timedelta(hours=6)
"""An upload without a case is a clinic still sending, or one that died: this old, it is the latter."""


def settle(services: Services) -> None:
    """Bring on everything that needs no lease."""
    records = services.records
    _expire(records)
    with transaction(records.engine) as connection:
        released = cases.transfers(connection, State.RELEASED)
    for transfer in released:
        publish(records, transfer)
    _close(services)


def due(records: Records) -> list[TransferId]:
    """Return the transfers that a worker could lease now."""
    with transaction(records.engine) as connection:
        return leases.due(connection, records.now())


def is_idle(records: Records) -> bool:
    """Return whether no transfer wants a worker, not even one whose worker died."""
    with transaction(records.engine) as connection:
        return cases.unfinished(connection) == 0 and not cases.to_close(connection)


def clear_away(services: Services) -> None:
    """Delete the objects of attempts that did not win, and sealed uploads of cases that never came to be."""
    _clear_outgoing(services.records)
    _clear_incoming(services)


def _clear_outgoing(records: Records) -> None:
    """List first, then look at the leases: an attempt that begins in between is not in the list."""
    listed = [(TransferId(folder), records.outgoing.list(folder)) for folder in records.outgoing.folders()]
    with transaction(records.engine) as connection:
        winners = {transfer.id: transfer.object for transfer in cases.unleased(connection, records.now())}
    for name, objects in listed:
        if name not in winners:
            continue
        for one in objects:
            if not one.is_whole or not _belongs(one.key, winners[name]):
                records.outgoing.delete(one.key)


def _belongs(key: str, winner: str | None) -> bool:
    """Return whether an object is the winning package or lies beside it (its proof)."""
    return winner is not None and key.rsplit(".", 1)[0] == winner.rsplit(".", 1)[0]


def _expire(records: Records) -> None:
    with transaction(records.engine) as connection:
        for transfer in cases.overdue(connection, records.now()):
            if cases.set_state(connection, transfer.id, (transfer.state,), State.EXPIRED):
                enter(connection, records, transfer.id, Event.EXPIRED, f"expired:{transfer.id}")


def _close(services: Services) -> None:
    """Tell the key service what has ended, so that it answers no more for it."""
    engine = services.records.engine
    with transaction(engine) as connection:
        ended = cases.to_close(connection)
    for transfer in ended:
        try:
            services.keys.close(transfer)
        except KeysError as error:
            # A transfer it never heard of is not open there; any other refusal closed nothing.
            if error.code != "transfer-unknown":
                services.wake_keys()
                raise Unavailable(error.code, "the key service does not answer") from None
            LOG.info("transfer-not-open", extra={"transfer": transfer, "code": error.code})
        with transaction(engine) as connection:
            cases.set_closed(connection, transfer)


def _clear_incoming(services: Services) -> None:
    """Delete sealed uploads of cases that never came to be."""
    records = services.records
    before = (records.now() - _ORPHAN_AGE).timestamp()
    with transaction(records.engine) as connection:
        known = cases.case_ids(connection)
    for folder in services.incoming.folders():
        listed = [] if folder in known else services.incoming.list(folder)
        if all(one.modified < before for one in listed):
            for one in listed:
                services.incoming.delete(one.key)
