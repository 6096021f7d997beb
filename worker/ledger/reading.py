"""Read the ledger: entries in order, the newest checkpoint, and proofs under it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from worker.errors import Unusable
from worker.ledger import schema
from worker.ledger.head import read
from worker.records import Entry, Recorded
from worker.tlog.merkle import RangeRoot, consistency_proof, inclusion_proof, root_of
from worker.tlog.notes import Checkpoint, Note
from worker.tlog.proofs import Proof

_ROWS = 500
_position = schema.entry.c.position
_stored = select(_position, schema.entry.c.leaf, schema.entry.c.leaf_hash)


def entries(connection: Connection, since: int = 0) -> Iterator[Recorded]:
    """Yield the entries from position `since` on, in order."""
    return _recorded(connection, _stored.where(_position >= since).order_by(_position))


def history(connection: Connection, transfer: str) -> Iterator[Recorded]:
    """Yield the entries of one transfer, the oldest first."""
    return _recorded(connection, _stored.where(schema.entry.c.transfer_id == transfer).order_by(_position))


def latest(connection: Connection, transfer: str) -> Recorded | None:
    """Return the newest entry of a transfer, or None."""
    query = _stored.where(schema.entry.c.transfer_id == transfer).order_by(_position.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _entry(row)


def checkpoint(connection: Connection) -> str:
    """Return the newest checkpoint as a signed note, empty before the first signature."""
    return read(connection).checkpoint


def proof_for(connection: Connection, position: int) -> str:
    """Return the proof file of an entry under the newest checkpoint (C2SP tlog-proof), its leaf inside.

    Raises `Unusable` for an entry that no checkpoint covers yet.
    """
    note = checkpoint(connection)
    size = Checkpoint.parse(Note.parse(note).text).size if note else 0
    if not 0 <= position < size:
        raise Unusable("entry-unsigned", "no checkpoint covers this entry", "publish it first")
    leaf = connection.execute(select(schema.entry.c.leaf).where(_position == position)).scalar_one()
    return Proof(position, inclusion_proof(position, size, _range_root(connection)), note, leaf).text()


def consistency(connection: Connection, old: int, new: int) -> tuple[bytes, ...]:
    """Return the proof that the ledger of `new` entries begins with the one of `old` (RFC 6962, 2.1.2)."""
    return consistency_proof(old, new, _range_root(connection))


def _range_root(connection: Connection) -> RangeRoot:
    def root(start: int, stop: int) -> bytes:
        query = select(schema.entry.c.leaf_hash).where(_position >= start, _position < stop).order_by(_position)
        return root_of(connection.execute(query, execution_options={"yield_per": _ROWS}).scalars())

    return root


def _recorded(connection: Connection, query: Select[Any, Any, Any]) -> Iterator[Recorded]:
    for row in connection.execute(query, execution_options={"yield_per": _ROWS}):
        yield _entry(row)


def _entry(row: Row[Any, Any, Any]) -> Recorded:
    return Recorded(row.position, Entry.parse(row.leaf), row.leaf_hash)
