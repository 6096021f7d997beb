"""What every store promises, over each one there is."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.errors import Misconfigured, Unavailable
from worker.store import FolderStore, Store

KEY = "transfer-1/000001.age"


class Broken(Exception):
    """What a source of bytes may raise."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(params=["folder"])
def store(request: pytest.FixtureRequest, root: Path) -> Store:
    assert request.param == "folder"
    return FolderStore(root)


def read(store: Store, key: str) -> bytes:
    with store.open(key) as found:
        return found.read(0, found.size)


def keys(store: Store) -> list[str]:
    return [one.key for folder in store.folders() for one in store.list(folder)]


def test_what_was_put_is_read_back_with_its_size_and_digest(store: Store) -> None:
    chunks = [os.urandom(size) for size in (0, 1, 70_000, 3)]
    stored = store.put(KEY, iter(chunks))
    data = b"".join(chunks)
    assert read(store, KEY) == data
    assert (stored.size, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_object_is_read_at_any_offset_and_ends_where_it_ends(store: Store) -> None:
    store.put(KEY, [b"0123456789"])
    with store.open(KEY) as found:
        assert [found.read(3, 4), found.read(8, 9), found.read(10, 1), found.read(99, 1)] == [b"3456", b"89", b"", b""]


def test_an_empty_object_is_an_object(store: Store) -> None:
    store.put(KEY, [])
    assert (read(store, KEY), keys(store)) == (b"", [KEY])


def test_putting_again_replaces_at_once(store: Store) -> None:
    store.put(KEY, [b"old"])
    with store.open(KEY) as before:
        store.put(KEY, [b"newer"])
        assert before.read(0, 9) == b"old"
    assert (read(store, KEY), keys(store)) == (b"newer", [KEY])


@pytest.mark.parametrize("fault", [Broken(), OSError("the clinic's disk"), KeyboardInterrupt()])
def test_a_source_that_fails_leaves_nothing_and_its_own_error(store: Store, fault: BaseException) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise fault

    with pytest.raises(type(fault)) as raised:
        store.put(KEY, source())
    assert raised.value is fault
    assert keys(store) == []


def test_a_source_that_fails_leaves_what_was_there(store: Store) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise Broken

    store.put(KEY, [b"whole"])
    with pytest.raises(Broken):
        store.put(KEY, source())
    assert (read(store, KEY), keys(store)) == (b"whole", [KEY])


def test_what_is_being_put_is_not_there_yet_but_listed_as_a_part(store: Store) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        with pytest.raises(Unavailable) as raised:
            store.open(KEY)
        assert raised.value.code == "object-missing"
        (part,) = store.list("transfer-1")
        assert not part.is_whole
        yield b"rest"

    store.put(KEY, source())
    (whole,) = store.list("transfer-1")
    assert (whole.key, whole.is_whole) == (KEY, True)


def test_two_who_put_the_same_key_at_once_both_put_it_whole(store: Store) -> None:
    contents = [bytes([number]) * 300_000 for number in range(6)]

    def put(content: bytes) -> None:
        store.put(KEY, (content[at : at + 1000] for at in range(0, len(content), 1000)))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(put, contents))
    assert read(store, KEY) in contents
    assert keys(store) == [KEY]


def test_a_process_killed_while_it_puts_leaves_a_part_that_can_be_deleted(store: Store, root: Path) -> None:
    store.put(KEY, [b"before"])
    program = (
        "import os, signal, sys; from pathlib import Path; from worker.store import FolderStore\n"
        "def source():\n"
        "    yield b'half' * 100000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"FolderStore(Path(sys.argv[1])).put('{KEY}', source())"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read(store, KEY) == b"before"
    (part,) = (one for one in store.list("transfer-1") if not one.is_whole)
    store.delete(part.key)
    assert keys(store) == [KEY]


def test_deleting_is_done_once_and_may_be_asked_twice(store: Store) -> None:
    store.put(KEY, [b"one"])
    store.put("transfer-1/000002.age", [b"two"])
    for _ in range(2):
        store.delete(KEY)
    assert keys(store) == ["transfer-1/000002.age"]
    store.delete("transfer-9/nothing")
    store.delete("transfer-1/000002.age")
    assert store.folders() == []


def test_a_store_that_was_never_written_is_empty(store: Store) -> None:
    assert (store.folders(), store.list("transfer-1")) == ([], [])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        "/etc/passwd",
        "../x/y",
        "a/../b",
        "a/..",
        "a//b",
        "a/b/",
        "A/b",
        "a/.hidden",
        "a/b\0c",
        "a/b\n",
        "ä/b",
    ],
)
def test_a_key_that_could_leave_the_store_is_refused(store: Store, root: Path, key: str) -> None:
    for call in (lambda: store.put(key, [b"x"]), lambda: store.open(key), lambda: store.delete(key)):
        with pytest.raises(Misconfigured) as raised:
            call()
        assert raised.value.code == "bad-object-key"
    assert list(root.parent.rglob("*")) == []


def test_the_name_of_a_part_is_no_key_to_put(store: Store) -> None:
    with pytest.raises(Misconfigured):
        store.put(f"{KEY}.partial", [b"x"])


@pytest.mark.parametrize("folder", ["", "..", "/", ".", "a/b", "A"])
def test_a_folder_that_could_leave_the_store_is_refused(store: Store, folder: str) -> None:
    with pytest.raises(Misconfigured):
        store.list(folder)


def test_objects_are_for_their_owner_alone(store: Store, root: Path) -> None:
    store.put("case-1/00001/00000.age", [b"sealed"])
    assert {path.stat().st_mode & 0o077 for path in root.rglob("*")} == {0}


def test_a_store_that_cannot_be_written_is_unavailable(store: Store, root: Path) -> None:
    root.write_text("a file where the folder should be")
    for call in (lambda: store.put(KEY, [b"x"]), lambda: store.open(KEY), lambda: store.delete(KEY)):
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.code == "store-unavailable"
        assert raised.value.__cause__ is None
