"""A proof file shows offline that a leaf is in the log; a foreign reader agrees, and forgeries fail."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from ledger_support import SIGNER, STRANGER, Database, fill, make_entry, newest_checkpoint, sqlite

from worker import ledger
from worker.errors import Unusable, Unverified
from worker.records import Entry
from worker.tlog.merkle import leaf_hash
from worker.tlog.notes import Checkpoint
from worker.tlog.proofs import Proof, verify_proof

_KEYS = [SIGNER.verify_key]


def _proofs(database: Database, count: int) -> list[str]:
    with database.transaction() as connection:
        return [ledger.proof_for(connection, position) for position in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 21])
def test_every_entry_can_be_proved_to_somebody_who_has_only_the_key(tmp_path: Path, count: int) -> None:
    database = sqlite(tmp_path)
    fill(database, count)
    for position, text in enumerate(_proofs(database, count)):
        proven = verify_proof(text, _KEYS)
        assert proven.index == position
        assert proven.checkpoint.size == count
        assert Entry.parse(proven.leaf) == make_entry(position)
        assert verify_proof(text, _KEYS, make_entry(position).leaf()) == proven


def test_a_reader_who_knows_only_the_specifications_agrees(tmp_path: Path) -> None:
    """Lines, then the recursion of RFC 6962, section 2.1.1, from the leaf up: none of our code."""
    database = sqlite(tmp_path)
    fill(database, 11)
    for position, text in enumerate(_proofs(database, 11)):
        head, checkpoint = text.split("\n\n", 1)
        header, extra, index, *path = head.split("\n")
        origin, size, root = checkpoint.split("\n\n")[0].split("\n")
        assert (header, index, origin) == ("c2sp.org/tlog-proof@v1", f"index {position}", SIGNER.name)
        leaf = base64.b64decode(extra.removeprefix("extra "))
        hashes = [base64.b64decode(line) for line in path]
        assert _root(hashlib.sha256(b"\x00" + leaf).digest(), position, int(size), hashes) == base64.b64decode(root)


def _root(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    if size == 1:
        assert not path
        return leaf
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return hashlib.sha256(b"\x01" + _root(leaf, index, k, path[:-1]) + path[-1]).digest()
    return hashlib.sha256(b"\x01" + path[-1] + _root(leaf, index - k, size - k, path[:-1])).digest()


def test_a_proof_kept_from_before_still_holds(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 3)
    kept = _proofs(database, 3)
    fill(database, 4, since=3)
    for text in kept:
        assert verify_proof(text, _KEYS).checkpoint.size == 3


def test_an_entry_under_no_checkpoint_has_no_proof(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 2)
    fill(database, 1, since=2, signer=None)
    with database.transaction() as connection:
        for position in (2, 3, -1):
            with pytest.raises(Unusable):
                ledger.proof_for(connection, position)


def test_a_proof_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 5)
    for text in _proofs(database, 5):
        assert Proof.parse(text).text() == text


def test_a_proof_without_its_leaf_needs_the_leaf(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 5)
    whole = Proof.parse(_proofs(database, 5)[2])
    bare = Proof(whole.index, whole.path, whole.checkpoint).text()
    assert "extra" not in bare
    assert verify_proof(bare, _KEYS, make_entry(2).leaf()).index == 2
    with pytest.raises(Unverified):
        verify_proof(bare, _KEYS)


def test_no_proof_holds_for_another_leaf_place_head_or_key(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 6)
    text = _proofs(database, 6)[2]
    proof = Proof.parse(text)
    forged = Checkpoint(SIGNER.name, 1, leaf_hash(b"forged")).signed(STRANGER)
    spoilt = (
        Proof(3, proof.path, proof.checkpoint, proof.extra),
        Proof(2, proof.path[::-1], proof.checkpoint, proof.extra),
        Proof(2, proof.path[:-1], proof.checkpoint, proof.extra),
        Proof(2, (*proof.path, bytes(32)), proof.checkpoint, proof.extra),
        Proof(2, proof.path, proof.checkpoint, make_entry(3).leaf()),
        Proof(0, (), forged, b"forged"),
    )
    for wrong in spoilt:
        with pytest.raises(Unverified):
            verify_proof(wrong.text(), _KEYS)
    with pytest.raises(Unverified):
        verify_proof(text, _KEYS, make_entry(3).leaf())
    with pytest.raises(Unverified):
        verify_proof(text, [STRANGER.verify_key])


def test_no_beginning_of_a_proof_file_is_a_proof(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 3)
    text = _proofs(database, 3)[1]
    for length in range(0, len(text), 7):
        with pytest.raises(Unverified):
            verify_proof(text[:length], _KEYS)


@pytest.mark.parametrize("index", ["index 01", "index -1", "index", "index 1 ", "Index 1"])
def test_an_index_of_another_form_is_refused(tmp_path: Path, index: str) -> None:
    database = sqlite(tmp_path)
    fill(database, 3)
    text = _proofs(database, 3)[1]
    with pytest.raises(Unverified) as caught:
        verify_proof(text.replace("index 1", index), _KEYS)
    assert caught.value.code == "proof-malformed"


def test_a_proof_holds_a_checkpoint_that_verification_takes(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 3)
    text = _proofs(database, 3)[1]
    fill(database, 2, since=3)
    with database.engine().connect() as connection:
        assert ledger.verify(connection, _KEYS, [text, newest_checkpoint(database)]).holds
