"""One attempt at a transfer: leased, kept alive while it works, and settled however it ends."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from sqlalchemy import Connection

from keys.client import KeysError, KeysUnavailable
from worker import cases, leases
from worker.database import transaction
from worker.errors import Held, Refused, Unavailable
from worker.journal import enter
from worker.logs import LOG
from worker.model import Hold, Lease, State, Transfer, TransferId
from worker.records import Event
from worker.services import Records, Services

_NOT_ADMITTED = "wrong-credential"
_RETRY = timedelta(seconds=3)
"""Longer than a worker's pause between two looks, so that it sees the transfer go and come back."""

Work = Callable[[Services, Lease], None]


def run(services: Services, transfer: TransferId, work: Work) -> None:
    """Do `work` under a lease if the transfer is to be had, and record how it ended; never raises.

    A message that comes twice, late or for nothing finds no lease and changes nothing. A held or
    refused transfer is settled; a dependency that is away costs no attempt; any other failure leaves
    the death that was booked before the work began.
    """
    started = time.monotonic()
    try:
        lease = _begin(services, transfer)
    except Unavailable as away:
        LOG.warning("transfer-waits", extra={"transfer": transfer, "code": away.code})
        services.wake_keys()
        _put_off(services.records, transfer)
        return
    if lease is None:
        return
    with _Heartbeat(services.records, lease):
        code = _settle(services, lease, work)
    duration = round((time.monotonic() - started) * 1000)
    LOG.info(
        "attempt-ended",
        extra={"transfer": transfer, "attempt": lease.attempt, "code": code, "duration_ms": duration},
    )


def _settle(services: Services, lease: Lease, work: Work) -> str:
    """Do the work and record its end; return a code for the log."""
    records = services.records
    try:
        try:
            work(services, lease)
        except Held as held:
            _hold(records, lease, held)
            return held.code
        except Refused as refused:
            _refuse(records, lease, refused)
            return refused.code
        except Unavailable as away:
            services.wake_keys()
            with transaction(records.engine) as connection:
                leases.give_back(connection, lease, records.now() + _RETRY)
            return away.code
        except Exception as error:
            LOG.exception("worker-fault", extra={"transfer": lease.transfer.id}, exc_info=error)
            with transaction(records.engine) as connection:
                leases.give_up(connection, lease)
            return "worker-fault"
    except Unavailable as away:
        # The end could not be recorded: the lease runs out and the transfer comes back.
        return away.code
    return "released"


def _begin(services: Services, transfer: TransferId) -> Lease | None:
    """Return a lease on the transfer, its commitment known; a worn-out transfer is held instead."""
    records = services.records
    with transaction(records.engine) as connection:
        found = cases.get(connection, transfer)
    if found is None or found.state not in (State.RECEIVED, State.PROCESSING):
        return None
    try:
        commitment = found.commitment or _commitment(services, transfer)
    except Held as held:
        _hold_unbegun(records, found, held)
        return None
    with transaction(records.engine) as connection:
        if found.commitment is None:
            cases.set_commitment(connection, transfer, commitment)
        now = records.now()
        if not leases.is_worn_out(connection, transfer, now):
            return leases.take(connection, transfer, now)
        holds = (Hold("worker-died"),)
        if leases.set_worn_out(connection, transfer, now, holds):
            codes = tuple(hold.code for hold in holds)
            attempt = found.attempt
            enter(connection, records, transfer, Event.HELD, f"held:{transfer}:{attempt}:died", codes=codes)
    return None


def _put_off(records: Records, transfer: TransferId) -> None:
    """Let the transfer rest; where the database itself is away, it is tried again all the same."""
    with contextlib.suppress(Unavailable), transaction(records.engine) as connection:
        leases.put_off(connection, transfer, records.now() + _RETRY)


def _commitment(services: Services, transfer: TransferId) -> str:
    try:
        return services.keys.facts(transfer).subject_commitment
    except KeysUnavailable as error:
        raise Unavailable(error.code, "the key service does not answer", "run `pseudodont-keys serve`") from None
    except KeysError as error:
        raise refusal(error) from None


def refusal(error: KeysError) -> Held | Unavailable:
    """Return what it means that the key service refuses: the transfer is over there, or we are set up wrongly."""
    if error.code == _NOT_ADMITTED:
        return Unavailable(error.code, "the key service does not admit this worker", "restore worker/*.credential")
    return Held(error.code, "the key service knows no such open transfer", "submit the case again")


def _hold_unbegun(records: Records, found: Transfer, held: Held) -> None:
    """Hold a transfer that no attempt began; without the key service's answer its entry commits to nobody."""
    with transaction(records.engine) as connection:
        if leases.set_unanswered(connection, found.id, held.holds):
            event_id = f"held:{found.id}:{found.attempt}:keys"
            enter(connection, records, found.id, Event.HELD, event_id, codes=(held.code,))


def _hold(records: Records, lease: Lease, held: Held) -> None:
    with transaction(records.engine) as connection:
        if leases.set_held(connection, lease, held.holds):
            codes = tuple(hold.code for hold in held.holds)
            _enter(connection, records, lease, Event.HELD, codes)


def _refuse(records: Records, lease: Lease, refused: Refused) -> None:
    with transaction(records.engine) as connection:
        if leases.set_refused(connection, lease):
            _enter(connection, records, lease, Event.REFUSED, (refused.code,))


def _enter(connection: Connection, records: Records, lease: Lease, event: Event, codes: tuple[str, ...]) -> None:
    name = lease.transfer.id
    enter(connection, records, name, event, f"{event}:{name}:{lease.attempt}", codes=codes)


class _Heartbeat:
    """Renews a lease from a thread of its own until the block ends; a lost lease is simply not renewed."""

    def __init__(self, records: Records, lease: Lease) -> None:
        self._records, self._lease = records, lease
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(leases.LEASE.total_seconds() / 3):
            try:
                with transaction(self._records.engine) as connection:
                    if not leases.renew(connection, self._lease, self._records.now()):
                        return
            except Unavailable:
                LOG.warning("lease-not-renewed", extra={"transfer": self._lease.transfer.id})
