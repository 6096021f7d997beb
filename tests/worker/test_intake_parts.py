"""An upload lies in the store as ordered sealed parts, and is read back as what it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import GIVEN, PATIENT, PHONE, SURNAME, Clinic, installed, scans, upload

from worker import cases
from worker.database import transaction
from worker.errors import Held
from worker.incoming import PART_SIZE, Uploads, receive
from worker.model import CaseId, Item
from worker.sealing import generate_identity
from worker.store import FolderStore

CASE = CaseId("case-1")
KEY = generate_identity()


def block(number: int) -> bytes:
    """Return a MiB that is like no other."""
    return number.to_bytes(4, "big") * (1 << 18)


def blocks(size: int) -> Iterator[bytes]:
    """Yield `size` bytes in pieces that fit nothing."""
    at, piece = 0, 1_000_003
    while at < size:
        start, stop = at, min(size, at + piece)
        whole = b"".join(block(number) for number in range(start >> 20, (stop - 1 >> 20) + 1))
        yield whole[start - (start >> 20 << 20) :][: stop - start]
        at = stop


def expected(offset: int, length: int) -> bytes:
    whole = b"".join(block(number) for number in range(offset >> 20, (offset + length >> 20) + 1))
    return whole[offset - (offset >> 20 << 20) :][:length]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("incoming")


@pytest.fixture(scope="module")
def item(root: Path) -> Item:
    return receive(FolderStore(root), KEY.recipient, CASE, 1, blocks(2 * PART_SIZE + 12_345))


def test_a_large_item_is_split_where_a_part_is_full(item: Item) -> None:
    assert [part.size for part in item.parts] == [PART_SIZE, PART_SIZE, 12_345]
    assert item.size == 2 * PART_SIZE + 12_345


def test_no_two_parts_share_a_file_key(root: Path, item: Item) -> None:
    assert len({(root / part.object).read_bytes()[:2000] for part in item.parts}) == len(item.parts)


def test_an_item_of_several_parts_is_read_at_any_offset(root: Path, item: Item) -> None:
    chance = random.Random(7)  # noqa: S311 - offsets, no secret
    places = [(chance.randrange(item.size), chance.randrange(1, 3 << 20)) for _ in range(25)]
    places += [(PART_SIZE - 3, 6), (2 * PART_SIZE - 1, 2), (item.size - 1, 1)]
    with Uploads(FolderStore(root), [KEY]) as uploads:
        reader = uploads.item(item)
        for offset, length in places:
            assert reader.read(offset, length) == expected(offset, min(length, item.size - offset))
        assert reader.read(item.size, 5) == b""


@pytest.mark.parametrize("size", [0, 1, 65_536])
def test_an_item_of_any_size_has_a_part(tmp_path: Path, size: int) -> None:
    store = FolderStore(tmp_path)
    found = receive(store, KEY.recipient, CASE, 1, [bytes(size)] if size else [])
    assert [part.size for part in found.parts] == [size]
    with Uploads(store, [KEY]) as uploads:
        assert uploads.item(found).read(0, 70_000) == bytes(size)


def test_a_part_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """Whoever can write the store can also seal to the public key: only the database's digest tells."""
    store = FolderStore(tmp_path)
    first = receive(store, KEY.recipient, CASE, 1, [b"the scan"])
    receive(store, KEY.recipient, CASE, 1, [b"a forgery"])
    with Uploads(store, [KEY]) as uploads, pytest.raises(Held) as raised:
        uploads.check([first])
    assert raised.value.code == "upload-damaged"


def test_nothing_of_a_case_lies_in_the_clear(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        clinic.submit(uploads=[*scans(2), upload(f"{SURNAME}/{PATIENT}.bin", f"{GIVEN} {PHONE}".encode() * 9000)])
        clinic.stop_keys()
        searched = [path for path in clinic.home.path.rglob("*") if path.is_file() and "keys" not in path.parts]
        assert any(path.is_relative_to(clinic.home.incoming) for path in searched)
        for word in (SURNAME, GIVEN, PATIENT, PHONE, "1991-07-13"):
            for path in searched:
                assert word.encode() not in path.read_bytes()


def test_items_keep_their_order_and_their_parts_in_the_database(clinic: Clinic) -> None:
    accepted = clinic.submit(uploads=scans(4))
    with transaction(clinic.records().engine) as connection:
        items = cases.items(connection, accepted.case)
    assert [item.ordinal for item in items] == [1, 2, 3, 4]
    assert [item.size for item in items] == [84 + 50 * (4 + n) for n in range(4)]
    assert all(len(item.parts) == 1 for item in items)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with installed(tmp_path) as made:
        yield made
