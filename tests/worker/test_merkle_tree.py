"""The tree is RFC 6962's: public roots, and a naive reading of the RFC as judge of everything else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    RangeRoot,
    consistency_proof,
    includes,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_of,
)

_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
# The roots of the first 1 to 8 of these leaves in the test data of Certificate Transparency.
_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def _leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def _ranges(leaves: list[bytes]) -> RangeRoot:
    return lambda start, stop: root_of(leaves[start:stop])


def _naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + _naive_root(leaves[:k]) + _naive_root(leaves[k:])).digest()


def _naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*_naive_path(index, leaves[:k]), _naive_root(leaves[k:])]
    return [*_naive_path(index - k, leaves[k:]), _naive_root(leaves[:k])]


def _naive_subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [_naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if old <= k:
        return [*_naive_subproof(old, leaves[:k], whole), _naive_root(leaves[k:])]
    return [*_naive_subproof(old - k, leaves[k:], False), _naive_root(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_the_published_one(size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in _LEAVES[:size]]
    assert root_of(hashes).hex() == _ROOTS[size - 1]


def test_a_tree_without_leaves_has_the_root_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


@given(st.integers(0, 300))
def test_appending_gives_the_root_that_the_rfc_defines(size: int) -> None:
    assert root_of(_leaves(size)) == _naive_root(_leaves(size))


@given(st.integers(0, 1 << 40), st.data())
def test_a_frontier_survives_storage(size: int, data: st.DataObject) -> None:
    hashes = tuple(data.draw(st.binary(min_size=32, max_size=32)) for _ in range(size.bit_count()))
    frontier = Frontier(size, hashes)
    assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(64)])
def test_a_frontier_that_does_not_fit_its_size_is_no_frontier(data: bytes) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(1, data)


def test_every_leaf_of_every_small_tree_is_proved_as_the_rfc_says() -> None:
    for size in range(1, 34):
        leaves = _leaves(size)
        for index in range(size):
            proof = inclusion_proof(index, size, _ranges(leaves))
            assert list(proof) == _naive_path(index, leaves)
            assert includes(leaves[index], index, size, proof, _naive_root(leaves))


def test_every_pair_of_small_trees_is_proved_consistent_as_the_rfc_says() -> None:
    for new in range(1, 34):
        leaves = _leaves(new)
        for old in range(new + 1):
            proof = consistency_proof(old, new, _ranges(leaves))
            assert list(proof) == (_naive_subproof(old, leaves, True) if old else [])
            assert is_consistent(old, _naive_root(leaves[:old]), new, _naive_root(leaves), proof)


@settings(max_examples=60)
@given(st.integers(1, 400), st.data())
def test_a_proof_holds_for_its_own_leaf_place_size_and_root_only(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size + 1))
    proof, root = (
        inclusion_proof(index, size, _ranges(leaves)),
        root_of(leaves),
    )
    assert includes(leaves[index], index, size, proof, root)
    assert includes(leaves[index], other, size, proof, root) == (other == index)
    assert not includes(leaf_hash(b"another"), index, size, proof, root)
    assert not includes(leaves[index], index, size, proof, bytes(32))
    assert not includes(leaves[index], index, size, (*proof, bytes(32)), root)
    assert not proof or not includes(leaves[index], index, size, proof[:-1], root)


@settings(max_examples=60)
@given(st.integers(1, 400), st.data())
def test_a_changed_history_has_no_consistency_proof(new: int, data: st.DataObject) -> None:
    leaves = _leaves(new)
    old = data.draw(st.integers(1, new))
    forged = list(leaves)
    forged[data.draw(st.integers(0, old - 1))] = leaf_hash(b"changed")
    proof = consistency_proof(old, new, _ranges(forged))
    assert is_consistent(old, root_of(forged[:old]), new, root_of(forged), proof)
    assert not is_consistent(old, root_of(leaves[:old]), new, root_of(forged), proof)


def test_a_consistency_proof_with_a_hash_too_many_or_too_few_is_refused() -> None:
    leaves = _leaves(13)
    proof = consistency_proof(6, 13, _ranges(leaves))
    old, new = root_of(leaves[:6]), root_of(leaves)
    assert is_consistent(6, old, 13, new, proof)
    assert not is_consistent(6, old, 13, new, proof[:-1])
    assert not is_consistent(6, old, 13, new, (*proof, bytes(32)))
    assert not is_consistent(6, old, 13, new, ())
    assert not is_consistent(13, new, 6, old, proof)
    assert not is_consistent(0, old, 13, new, ())


def test_a_place_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(3, 3, lambda _start, _stop: bytes(32))
    with pytest.raises(ValueError, match="never shrinks"):
        consistency_proof(4, 3, lambda _start, _stop: bytes(32))
