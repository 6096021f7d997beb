"""Release, publish, hand out: how a package becomes the recipient's, exactly once.

A package is put under a key of its transfer and attempt; one transaction then names the winner, moves
the state and enters the release. Publishing puts the proof beside it; only then is it collectable.
"""

from __future__ import annotations

from collections.abc import Iterable

from worker import cases, leases
from worker.database import transaction
from worker.journal import enter
from worker.leases import Released
from worker.ledger import checkpoint, proof_for
from worker.model import COLLECTABLE, Lease, RecipientId, State, Transfer
from worker.places import replace_file
from worker.records import Category, Event
from worker.services import Records
from worker.store import Object
from worker.tlog.proofs import SUFFIX


def release(
    records: Records,
    lease: Lease,
    sealed: Iterable[bytes],
    profile: tuple[str, str],
    categories: tuple[Category, ...],
) -> bool:
    """Store the sealed package and make it the transfer's one package, or delete it again.

    Returns False when another attempt has taken over: then nothing of this one is left.
    """
    transfer = lease.transfer.id
    key = f"{transfer}/{lease.attempt:06d}.age"
    stored = records.outgoing.put(key, sealed)
    package = Released(key, stored.sha256, stored.size, *profile)
    with transaction(records.engine) as connection:
        won = leases.set_released(connection, lease, package, records.now())
        if won:
            event_id = f"released:{transfer}"
            position = enter(connection, records, transfer, Event.RELEASED, event_id, categories=categories)
            cases.set_entry(connection, transfer, position)
    if not won:
        records.outgoing.delete(key)
    return won


def publish(records: Records, transfer: Transfer) -> None:
    """Put the proof of the release beside the package; afterwards the package is collectable."""
    if transfer.object is None or transfer.entry is None:
        raise LookupError("a transfer without a package cannot be published")
    with transaction(records.engine) as connection:
        proof = proof_for(connection, transfer.entry)
    records.outgoing.put(proof_key(transfer.object), [proof.encode()])
    with transaction(records.engine) as connection:
        if cases.set_state(connection, transfer.id, (State.RELEASED,), State.PUBLISHED):
            enter(connection, records, transfer.id, Event.PUBLISHED, f"published:{transfer.id}")
    write_checkpoint(records)


def write_checkpoint(records: Records) -> None:
    """Bring the newest signed checkpoint to the file that is given to others."""
    with transaction(records.engine) as connection:
        signed = checkpoint(connection)
    if signed:
        replace_file(records.home.checkpoint, signed.encode(), mode=0o644)


def collectable(records: Records, recipient: RecipientId) -> list[Transfer]:
    """Return the published transfers of one recipient, the oldest first."""
    with transaction(records.engine) as connection:
        return [t for t in cases.transfers(connection, *COLLECTABLE) if t.recipient == recipient]


def package(records: Records, transfer: Transfer) -> Object:
    """Return the sealed package."""
    if transfer.object is None:
        raise LookupError("a transfer without a package cannot be collected")
    return records.outgoing.open(transfer.object)


def proof(records: Records, transfer: Transfer) -> bytes:
    """Return the proof beside the package."""
    if transfer.object is None:
        raise LookupError("a transfer without a package has no proof")
    with records.outgoing.open(proof_key(transfer.object)) as stored:
        return stored.read(0, stored.size)


def hand_out(records: Records, transfer: Transfer, event_id: str) -> None:
    """Enter that the recipient took the package; every time is an event of its own."""
    with transaction(records.engine) as connection:
        cases.set_state(connection, transfer.id, (State.PUBLISHED,), State.COLLECTED)
        enter(connection, records, transfer.id, Event.COLLECTED, event_id)
    write_checkpoint(records)


def proof_key(package_key: str) -> str:
    """Return where the proof of a package lies: beside it, under the same name."""
    return package_key.removesuffix(".age") + SUFFIX
