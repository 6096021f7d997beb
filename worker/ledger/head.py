"""The head row: the tree as it stands, and the checkpoint that was signed last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from worker.errors import Misconfigured, Unverified
from worker.ledger import schema
from worker.signing import VerifyKey
from worker.tlog.merkle import Frontier
from worker.tlog.notes import open_checkpoint

_UNLOCKED = select(schema.head).where(schema.head.c.id == schema.HEAD_ID)
_LOCKED = _UNLOCKED.with_for_update()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest tree and the newest checkpoint, which may be of a smaller tree, or empty."""

    tree: Frontier
    root: bytes
    checkpoint: str
    signed_frontier: bytes

    def signed_tree(self, keys: Iterable[VerifyKey]) -> Frontier:
        """Return the tree under the newest checkpoint; raises `Unverified` where its signature does not hold.

        A database in which someone rewrote tree and head is found here, before anything is signed
        over it. Only a ledger without entries may be without a checkpoint.
        """
        if not self.checkpoint and not self.tree.size:
            return self.tree
        if not self.checkpoint:
            raise damaged("ledger-unsigned", "the ledger has entries and no checkpoint")
        checkpoint = open_checkpoint(self.checkpoint, keys)
        tree = _frontier(checkpoint.size, self.signed_frontier)
        if tree.root() != checkpoint.root:
            raise damaged("ledger-head", "the ledger's head is not what its checkpoint signed")
        return tree


def read(connection: Connection, *, locked: bool = False) -> Head:
    """Return the head; `locked`, nobody else can append before the transaction ends."""
    row = connection.execute(_LOCKED if locked else _UNLOCKED).one_or_none()
    if row is None:
        raise Misconfigured("ledger-missing", "the database holds no ledger", "migrate the database")
    return Head(_frontier(row.size, row.frontier), row.root, row.checkpoint, row.signed_frontier)


def damaged(code: str, what: str) -> Unverified:
    """Return the error of a ledger that must not be written to before someone has looked at it."""
    return Unverified(code, what, "run pseudodont ledger verify, keep a copy of the database")


def _frontier(size: int, data: bytes) -> Frontier:
    try:
        return Frontier.from_bytes(size, data)
    except ValueError:
        raise damaged("ledger-head", "the ledger's head does not fit its size") from None
