"""Enter what happened to a transfer into the ledger, inside the transaction that made it happen."""

from __future__ import annotations

from sqlalchemy import Connection

from worker import cases, recipients
from worker.entries import of_transfer
from worker.ledger import append
from worker.model import Recipient, Transfer, TransferId
from worker.records import Category, Event
from worker.services import Records


def enter(
    connection: Connection,
    records: Records,
    transfer: TransferId,
    event: Event,
    event_id: str,
    *,
    codes: tuple[str, ...] = (),
    categories: tuple[Category, ...] = (),
    reason: str | None = None,
    without: tuple[str, ...] = (),
) -> int:
    """Return the position of the entry; an event id that was entered before enters nothing."""
    subject, recipient = current(connection, transfer)
    entry = of_transfer(
        event,
        event_id,
        records.now(),
        records.settings.clinic,
        recipient,
        subject,
        codes=codes,
        categories=categories,
        reason=reason,
        without=without,
    )
    return append(connection, entry, records.log_key).position


def current(connection: Connection, name: TransferId) -> tuple[Transfer, Recipient]:
    """Return a transfer that exists, and its recipient."""
    transfer = cases.get(connection, name)
    recipient = None if transfer is None else recipients.get(connection, transfer.recipient)
    if transfer is None or recipient is None:
        raise LookupError("a transfer went away inside its own transaction")
    return transfer, recipient
