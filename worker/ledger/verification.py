"""Verify the whole ledger: believe no column and no head, only keys and checkpoints from outside.

One pass over the entries rebuilds the tree from the leaves themselves, holding log n hashes. The roots
it passes at the size of each checkpoint are compared with what was signed. Someone who rewrites rows,
tree and head together cannot sign the new root; someone who puts back an older database with its own
older checkpoint is found by any checkpoint, or proof file, that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from worker.errors import Unverified
from worker.records import Summary
from worker.records.fields import InvalidEntry
from worker.signing import VerifyKey
from worker.tlog.merkle import Frontier, leaf_hash
from worker.tlog.notes import Checkpoint, open_checkpoint
from worker.tlog.proofs import Proof, is_proof

MAX_FAULTS = 1000
"""More are counted, not kept."""

_ENTRIES = "SELECT position, event_id, transfer_id, event, leaf, leaf_hash FROM ledger_entry ORDER BY position"
_TWICE = "SELECT max(position) FROM ledger_entry GROUP BY event_id HAVING count(*) > 1 ORDER BY 1"
_HEADS = "SELECT size, frontier, root, checkpoint, signed_frontier FROM ledger_head"


class FaultCode(StrEnum):
    """What verification can find."""

    ENTRY_MISSING = "entry-missing"
    ENTRY_TWICE = "entry-twice"
    ROW_MALFORMED = "row-malformed"
    LEAF_FORM = "leaf-form"
    LEAF_CHANGED = "leaf-changed"
    COLUMN_DIFFERS = "column-differs"
    EVENT_TWICE = "event-twice"
    HEAD_MALFORMED = "head-malformed"
    HEAD_DIFFERS = "head-differs"
    UNSIGNED_ENTRIES = "unsigned-entries"
    CHECKPOINT_UNVERIFIED = "checkpoint-unverified"
    CHECKPOINT_FORKED = "checkpoint-forked"
    CHECKPOINT_ROLLED_BACK = "checkpoint-rolled-back"


SENTENCES = {
    FaultCode.ENTRY_MISSING: "the position is empty",
    FaultCode.ENTRY_TWICE: "the position is taken twice",
    FaultCode.ROW_MALFORMED: "the row holds values of the wrong type",
    FaultCode.LEAF_FORM: "the leaf is not canonical JSON of a known version",
    FaultCode.LEAF_CHANGED: "the leaf does not have the hash recorded beside it",
    FaultCode.COLUMN_DIFFERS: "a column does not say what the leaf says",
    FaultCode.EVENT_TWICE: "the event is recorded twice",
    FaultCode.HEAD_MALFORMED: "there is not exactly one usable head row",
    FaultCode.HEAD_DIFFERS: "the tree in the head row is not the tree of the entries",
    FaultCode.UNSIGNED_ENTRIES: "no checkpoint covers the entries",
    FaultCode.CHECKPOINT_UNVERIFIED: "the checkpoint is not signed by a key of this ledger",
    FaultCode.CHECKPOINT_FORKED: "the entries are not those the checkpoint was signed over",
    FaultCode.CHECKPOINT_ROLLED_BACK: "entries that the checkpoint was signed over are gone",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not hold, and the first and last entry it can concern.

    `checkpoint` counts those given, from 0; it is None where the database's own is meant or none.
    """

    code: FaultCode
    first: int | None = None
    last: int | None = None
    checkpoint: int | None = None

    def __str__(self) -> str:
        subject = "ledger" if self.checkpoint is None else f"checkpoint {self.checkpoint + 1}"
        if self.first is not None:
            span = f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"
            subject = span if self.checkpoint is None else f"{subject}, {span}"
        return f"{subject}: {SENTENCES[self.code]} ({self.code})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the entries are, and everything that does not hold; `found` counts faults beyond those kept."""

    size: int
    root: bytes
    checkpoint: Checkpoint | None
    faults: tuple[Fault, ...]
    found: int

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.found


@dataclass(slots=True)
class _Faults:
    kept: list[Fault] = field(default_factory=list)
    found: int = 0

    def add(self, code: FaultCode, first: int | None = None, last: int | None = None, of: int | None = None) -> None:
        self.found += 1
        if len(self.kept) < MAX_FAULTS:
            self.kept.append(Fault(code, first, first if last is None else last, of))


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A checkpoint whose signature holds; `number` is None for the database's own.

    `tree` is there when the database still has the frontier that gives the signed root.
    """

    checkpoint: Checkpoint
    number: int | None
    tree: Frontier | None = None


@dataclass(frozen=True, slots=True)
class _HeadRow:
    size: object
    frontier: object
    root: object
    checkpoint: object
    signed_frontier: object


def verify(connection: Connection, keys: Sequence[VerifyKey], checkpoints: Sequence[str] = ()) -> Verdict:
    """Return what the whole ledger amounts to under `keys` and the `checkpoints` kept outside.

    A checkpoint is a signed note or a proof file. Nothing else was asked in the transaction before, so
    that PostgreSQL shows one state of the database while others append.
    """
    if not keys:
        raise Unverified("no-key", "there is no key to verify with", "give the ledger's verification key")
    try:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _verdict(connection, keys, checkpoints)
    except DBAPIError as error:
        if error.connection_invalidated or getattr(error.orig, "sqlite_errorname", "") == "SQLITE_BUSY":
            raise
        raise Unverified("ledger-unreadable", "the ledger's tables cannot be read", "keep a copy") from None


def _verdict(connection: Connection, keys: Sequence[VerifyKey], checkpoints: Sequence[str]) -> Verdict:
    faults = _Faults()
    head = _head(connection, faults)
    own = _own_anchor(head, keys, faults)
    anchors = [*_outside_anchors(checkpoints, keys, faults), *([own] if own else [])]
    tree, trees = _walk(connection, {anchor.checkpoint.size for anchor in anchors}, faults)
    for (position,) in connection.execute(text(_TWICE)):
        faults.add(FaultCode.EVENT_TWICE, position)
    _compare_head(head, tree, faults)
    _compare_anchors(anchors, tree.size, trees, faults)
    signed = own.checkpoint.size if own else 0
    if signed < tree.size:
        faults.add(FaultCode.UNSIGNED_ENTRIES, signed, tree.size - 1)
    return Verdict(tree.size, tree.root(), own.checkpoint if own else None, tuple(faults.kept), faults.found)


def _head(connection: Connection, faults: _Faults) -> _HeadRow | None:
    rows = connection.execute(text(_HEADS)).fetchmany(2)
    if len(rows) != 1:
        faults.add(FaultCode.HEAD_MALFORMED)
        return None
    return _HeadRow(*(_bytes(value) for value in rows[0]))


def _own_anchor(head: _HeadRow | None, keys: Sequence[VerifyKey], faults: _Faults) -> _Anchor | None:
    if head is None or head.checkpoint == "":
        return None
    try:
        checkpoint = open_checkpoint(str(head.checkpoint), keys)
    except Unverified:
        faults.add(FaultCode.CHECKPOINT_UNVERIFIED)
        return None
    tree = _frontier(checkpoint.size, head.signed_frontier)
    return _Anchor(checkpoint, None, tree if tree and tree.root() == checkpoint.root else None)


def _outside_anchors(checkpoints: Sequence[str], keys: Sequence[VerifyKey], faults: _Faults) -> Iterator[_Anchor]:
    for number, note in enumerate(checkpoints):
        try:
            signed = Proof.parse(note).checkpoint if is_proof(note) else note
            yield _Anchor(open_checkpoint(signed, keys), number)
        except Unverified:
            faults.add(FaultCode.CHECKPOINT_UNVERIFIED, of=number)


def _walk(connection: Connection, sizes: set[int], faults: _Faults) -> tuple[Frontier, dict[int, Frontier]]:
    """Return the tree of the entries, and what it was at each of `sizes` that it reaches."""
    tree, expected = Frontier(), 0
    trees = {0: tree}
    for row in connection.execute(text(_ENTRIES), execution_options={"yield_per": 500}):
        position, *columns = (_bytes(value) for value in row)
        expected = _next_position(position, expected, faults)
        tree = tree.append(_leaf_hash(position, columns, faults))
        if tree.size in sizes:
            trees[tree.size] = tree
    return tree, trees


def _next_position(position: object, expected: int, faults: _Faults) -> int:
    if type(position) is not int:
        faults.add(FaultCode.ROW_MALFORMED, expected)
        return expected + 1
    if position > expected:
        faults.add(FaultCode.ENTRY_MISSING, expected, position - 1)
    elif position < expected:
        faults.add(FaultCode.ENTRY_TWICE, position)
    return max(position, expected - 1) + 1


def _leaf_hash(position: object, columns: Iterable[object], faults: _Faults) -> bytes:
    """Return the hash of the row's leaf as it is now, whatever the row says that it was."""
    at = position if type(position) is int else None
    event_id, transfer, event, leaf, recorded = columns
    if not isinstance(leaf, bytes):
        faults.add(FaultCode.ROW_MALFORMED, at)
        return leaf_hash(b"")
    hashed = leaf_hash(leaf)
    if hashed != recorded:
        faults.add(FaultCode.LEAF_CHANGED, at)
    try:
        if Summary.of(leaf) != Summary(event, event_id, transfer):  # type: ignore[arg-type]  # any type differs
            faults.add(FaultCode.COLUMN_DIFFERS, at)
    except InvalidEntry:
        faults.add(FaultCode.LEAF_FORM, at)
    return hashed


def _compare_head(head: _HeadRow | None, tree: Frontier, faults: _Faults) -> None:
    if head is None or (head.size, head.frontier, head.root) == (tree.size, tree.to_bytes(), tree.root()):
        return
    stored = _frontier(tree.size, head.frontier)
    if stored is None or not tree.size or stored == tree:
        faults.add(FaultCode.HEAD_DIFFERS)
        return
    for first, last in _differing(stored, tree):
        faults.add(FaultCode.HEAD_DIFFERS, first, last)


def _differing(stored: Frontier, tree: Frontier) -> Iterator[tuple[int, int]]:
    """Yield the entries under each perfect subtree whose root is not the one stored."""
    start = 0
    for bit, before, after in zip(_bits(tree.size), stored.hashes, tree.hashes, strict=True):
        if before != after:
            yield start, start + bit - 1
        start += bit


def _bits(size: int) -> Iterator[int]:
    return (1 << place for place in range(size.bit_length() - 1, -1, -1) if size >> place & 1)


def _compare_anchors(anchors: list[_Anchor], size: int, trees: dict[int, Frontier], faults: _Faults) -> None:
    """Compare what was signed with what is there; agreement at a smaller size narrows the place."""
    agreed = 0
    for anchor in sorted(anchors, key=lambda anchor: anchor.checkpoint.size):
        signed = anchor.checkpoint
        if signed.size > size:
            faults.add(FaultCode.CHECKPOINT_ROLLED_BACK, agreed, signed.size - 1, anchor.number)
        elif trees[signed.size].root() == signed.root:
            agreed = signed.size
        else:
            for first, last in _forked(anchor, trees[signed.size], agreed):
                faults.add(FaultCode.CHECKPOINT_FORKED, first, last, anchor.number)


def _forked(anchor: _Anchor, tree: Frontier, agreed: int) -> list[tuple[int, int]]:
    """Return where the fork can lie; everywhere, when two checkpoints contradict each other."""
    everywhere = [(0, max(tree.size - 1, 0))]
    spans = everywhere if anchor.tree is None else _differing(anchor.tree, tree)
    return [(max(first, agreed), last) for first, last in spans if last >= agreed] or everywhere


def _frontier(size: int, data: object) -> Frontier | None:
    try:
        return Frontier.from_bytes(size, data) if isinstance(data, bytes) else None
    except ValueError:
        return None


def _bytes(value: object) -> object:
    """Return what the driver read; some give binary columns as a view of memory."""
    return bytes(value) if isinstance(value, memoryview) else value
