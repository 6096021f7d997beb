"""Append entries: leaf, tree and checkpoint change together, inside the caller's transaction.

The caller changes its own rows first and appends last, so that the head row, which every writer needs,
is locked as briefly as can be. On SQLite the transaction begins with BEGIN IMMEDIATE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, select

from worker.errors import WorkerError
from worker.ledger import schema
from worker.ledger.head import damaged, read
from worker.records import Entry
from worker.signing import SigningKey, VerifyKey
from worker.tlog.merkle import Frontier, leaf_hash
from worker.tlog.notes import Checkpoint

_entry, _head = schema.entry.c, schema.head.c
# Built once: making a statement costs more than running it.
_BY_EVENT = select(_entry.position, _entry.leaf).where(_entry.event_id == bindparam("event"))
_SINCE = select(_entry.leaf).where(_entry.position >= bindparam("size")).order_by(_entry.position)
_SET_HEAD = schema.head.update().where(_head.id == schema.HEAD_ID)
_INSERT = schema.entry.insert()


class EventDiffers(WorkerError):
    """An event id is in the ledger already, with other facts."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry is, and how many entries the ledger has with it."""

    position: int
    size: int


def append(connection: Connection, entry: Entry, signer: SigningKey | None = None) -> Appended:
    """Record the entry at the end of the ledger, under a new checkpoint where there is a `signer`.

    Idempotent by `event_id`: an event recorded before keeps its position and its time, and raises
    `EventDiffers` when any other fact is not the same. Raises `Unverified` instead of signing over a
    ledger that does not continue the last checkpoint. Nothing is durable before the caller commits.
    """
    head = read(connection, locked=True)
    known = _position(connection, entry)
    if known is not None:
        return Appended(known, head.tree.size)
    leaf = entry.leaf()
    hashed = leaf_hash(leaf)
    row = {"position": head.tree.size, "event_id": entry.event_id, "transfer_id": entry.transfer}
    connection.execute(_INSERT, {**row, "event": entry.event.value, "leaf": leaf, "leaf_hash": hashed})
    tree = head.tree.append(hashed)
    connection.execute(_SET_HEAD, {"size": tree.size, "frontier": tree.to_bytes(), "root": tree.root()})
    if signer is not None:
        _sign(connection, tree, head.signed_tree((signer.verify_key,)), signer)
    return Appended(head.tree.size, tree.size)


def sign(connection: Connection, signer: SigningKey, former: Iterable[VerifyKey] = ()) -> str:
    """Return a checkpoint over everything recorded, and keep it as the newest.

    A new ledger is signed once while it is empty; from then on whatever was recorded without a key is
    signed only if it continues the last checkpoint. `former` keys may have signed that one.
    """
    head = read(connection, locked=True)
    return _sign(connection, head.tree, head.signed_tree((signer.verify_key, *former)), signer)


def _sign(connection: Connection, tree: Frontier, signed: Frontier, signer: SigningKey) -> str:
    """Sign `tree` if the entries recorded since lead from `signed`, the last signed tree, to it."""
    for leaf in connection.execute(_SINCE, {"size": signed.size}).scalars():
        signed = signed.append(leaf_hash(leaf))
    if signed != tree:
        raise damaged("ledger-head", "the ledger does not continue its last checkpoint")
    checkpoint = Checkpoint(signer.name, tree.size, tree.root()).signed(signer)
    connection.execute(_SET_HEAD, {"checkpoint": checkpoint, "signed_frontier": tree.to_bytes()})
    return checkpoint


def _position(connection: Connection, entry: Entry) -> int | None:
    """Return where the event is recorded; another clock reading alone does not make it another event."""
    row = connection.execute(_BY_EVENT, {"event": entry.event_id}).one_or_none()
    if row is None:
        return None
    if replace(Entry.parse(row.leaf), at=entry.at) != entry:
        raise EventDiffers("event-differs", "the event is recorded with other facts", "give a new event its own id")
    return int(row.position)
