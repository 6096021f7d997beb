"""The Merkle tree of RFC 6962: one hash commits to every leaf and to their order.

A tree of any size is a row of perfect subtrees, one for each bit of its size, the largest first. Their
roots (the *frontier*) are all it takes to add a leaf or to know the root, so both cost log n. A proof
is the list of subtree roots that somebody needs who knows only one leaf, or only an older root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""

RangeRoot = Callable[[int, int], bytes]
"""Returns the root over the leaves from `start` up to, not including, `stop`."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree reduced to the roots of its perfect subtrees, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("a frontier has one hash for each bit of its size")

    def append(self, leaf: bytes) -> Frontier:
        """Return the tree with one more leaf, whose hash is `leaf`."""
        hashes, bits, carried = self.hashes, self.size, leaf
        while bits & 1:
            carried = node_hash(hashes[-1], carried)
            hashes, bits = hashes[:-1], bits >> 1
        return Frontier(self.size + 1, (*hashes, carried))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the hashes, one after the other."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Return the frontier of a tree of `size`; raises `ValueError` where the lengths do not fit."""
        if len(data) % HASH_SIZE:
            raise ValueError("a frontier consists of whole hashes")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes, holding log n of them at a time."""
    tree = Frontier()
    for leaf in leaves:
        tree = tree.append(leaf)
    return tree.root()


def inclusion_proof(index: int, size: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in a tree of `size`, the sibling first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    start, stop, path = 0, size, []
    while stop - start > 1:
        split = start + _split(stop - start)
        if index < split:
            path.append(range_root(split, stop))
            stop = split
        else:
            path.append(range_root(start, split))
            start = split
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, range_root: RangeRoot) -> tuple[bytes, ...]:
    """Return the proof that the tree of size `new` begins with that of size `old` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError("a tree never shrinks")
    if old in (0, new):
        return ()
    start, stop, path = 0, new, []
    while old != stop:
        split = start + _split(stop - start)
        if old <= split:
            path.append(range_root(split, stop))
            stop = split
        else:
            path.append(range_root(start, split))
            start = split
    if start:
        path.append(range_root(start, stop))
    return tuple(reversed(path))


def includes(leaf: bytes, index: int, size: int, proof: tuple[bytes, ...], root: bytes) -> bool:
    """Return whether `proof` leads from the leaf hash at `index` to `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, known = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            known = node_hash(sibling, known)
            node, last = _rise(node, last)
        else:
            known = node_hash(known, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and known == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: tuple[bytes, ...]) -> bool:
    """Return whether `proof` shows that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = (old_root, *proof) if old & (old - 1) == 0 else proof
    if not path:
        return False
    node, last = _rise_odd(old - 1, new - 1)
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            node, last = _rise(node, last)
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 6962 divides a tree."""
    return 1 << (size - 1).bit_length() - 1


def _rise(node: int, last: int) -> tuple[int, int]:
    """Climb while `node` is a left child without a sibling: such levels add no hash to a proof."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _rise_odd(node: int, last: int) -> tuple[int, int]:
    """Climb to the root of the perfect subtree that ends at `node`: a proof begins there."""
    while node & 1:
        node, last = node >> 1, last >> 1
    return node, last
