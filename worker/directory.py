"""Changes of the recipient list, each with its ledger entry in the same transaction."""

from __future__ import annotations

from worker import identifiers, recipients
from worker.database import transaction
from worker.entries import of_recipient
from worker.ledger import append
from worker.model import Recipient
from worker.records import Event
from worker.services import Records


def add_recipient(records: Records, new: Recipient) -> None:
    """Make the recipient one that cases may be sent to."""
    now = records.now()
    with transaction(records.engine) as connection:
        recipients.add(connection, new, now)
        event_id = identifiers.new("added", records.random)
        entry = of_recipient(Event.RECIPIENT_ADDED, event_id, now, records.settings.clinic, new)
        append(connection, entry, records.log_key)


def revoke_recipient(records: Records, name: str) -> Recipient:
    """Let nothing more go to the recipient; return it as it is now."""
    now = records.now()
    with transaction(records.engine) as connection:
        gone = recipients.revoke(connection, name, now)
        event_id = identifiers.new("revoked", records.random)
        entry = of_recipient(Event.RECIPIENT_REVOKED, event_id, now, records.settings.clinic, gone)
        append(connection, entry, records.log_key)
    return gone


def everyone(records: Records) -> list[Recipient]:
    """Return every recipient, the revoked ones too."""
    with transaction(records.engine) as connection:
        return recipients.everyone(connection)
