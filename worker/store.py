"""Sealed objects under keys: what is put appears whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Protocol, Self

from worker.errors import Misconfigured, Unavailable

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9.-]*)+")
_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]*")
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Stored:
    """What was put: size and SHA-256 of the sealed bytes."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What lies under a key: when it was last written (POSIX time), and whether its put ever ended."""

    key: str
    modified: float
    is_whole: bool


class Object(Protocol):
    """An open object: a reader that must be closed."""

    @property
    def size(self) -> int: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Store(Protocol):
    """Objects by key.

    `put` is durable when it returns; before that the object is not there, whatever dies. Putting the
    same key again replaces the object at once. A key is `folder/name…`; `list` also names what
    interrupted puts left, so that `delete` can take it away. `delete` of what is not there does nothing.
    Every call may be repeated. All raise `Unavailable` when the store is away.
    """

    def put(self, key: str, chunks: Iterable[bytes]) -> Stored: ...
    def open(self, key: str) -> Object: ...
    def folders(self) -> list[str]: ...
    def list(self, folder: str) -> list[Listed]: ...
    def delete(self, key: str) -> None: ...


class FolderObject:
    """A file read by position."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        with _away("read"):
            return os.pread(self._file.fileno(), max(0, min(length, self._size - offset)), offset)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FolderStore:
    """A store in a folder of one file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, chunks: Iterable[bytes]) -> Stored:
        """Write beside the place, sync, and rename; what a death leaves is a `.partial` file."""
        path = self._path(key)
        if key.endswith(_PARTIAL):
            raise _bad_key()
        # A name of its own for every put: two workers may publish the same proof at once.
        partial = path.with_name(f"{path.name}.{os.urandom(6).hex()}{_PARTIAL}")
        try:
            with _away("written"):
                _make_folders(path.parent, self._root)
            stored = _write(partial, chunks)
            with _away("written"):
                partial.replace(path)
                _sync_folders(path.parent, self._root)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            _remove_empty(path.parent, self._root)
            raise
        return stored

    def open(self, key: str) -> FolderObject:
        path = self._path(key)
        with _away("read"):
            try:
                return FolderObject(path)
            except FileNotFoundError:
                raise Unavailable("object-missing", "an object is not in the store", "restore the store") from None

    def folders(self) -> list[str]:
        with _away("read"):
            return sorted(path.name for path in self._root.iterdir() if path.is_dir()) if self._root.is_dir() else []

    def list(self, folder: str) -> list[Listed]:
        if not _FOLDER.fullmatch(folder):
            raise _bad_key()
        root = self._root / folder
        with _away("read"):
            return sorted(self._listed(root), key=lambda one: one.key) if root.is_dir() else []

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _away("written"):
            path.unlink(missing_ok=True)
        _remove_empty(path.parent, self._root)

    def _listed(self, folder: Path) -> Iterator[Listed]:
        for path in folder.rglob("*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if S_ISREG(status.st_mode):
                key = path.relative_to(self._root).as_posix()
                yield Listed(key, status.st_mtime, not key.endswith(_PARTIAL))

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key) or ".." in key:
            raise _bad_key()
        return self._root / key


def _write(partial: Path, chunks: Iterable[bytes]) -> Stored:
    """Write a new file durably; what `chunks` raises is not taken for a fault of the store."""
    digest, size = hashlib.sha256(), 0
    with _away("written"):
        file = os.fdopen(_new(partial), "wb", buffering=0)
    with file:
        for chunk in chunks:
            with _away("written"):
                _write_all(file.fileno(), chunk)
            digest.update(chunk)
            size += len(chunk)
        with _away("written"):
            os.fsync(file.fileno())
    return Stored(size, digest.hexdigest())


def _write_all(descriptor: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(descriptor, left) :]


def _bad_key() -> Misconfigured:
    return Misconfigured("bad-object-key", "an object key is not of the store's form")


@contextmanager
def _away(done: str) -> Iterator[None]:
    """Whatever the file system refuses, the store is away."""
    try:
        yield
    except OSError:
        raise Unavailable("store-unavailable", f"the store cannot be {done}", "check space and rights") from None


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def _make_folders(folder: Path, root: Path) -> None:
    """Make each folder for its owner alone: `mkdir` gives its mode to the last one only."""
    if folder != root:
        _make_folders(folder.parent, root)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _remove_empty(folder: Path, root: Path) -> None:
    """Leave no empty folder behind."""
    with contextlib.suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _sync_folders(folder: Path, root: Path) -> None:
    """Make the renaming durable, and the folders that were made for it."""
    while True:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == root:
            return
        folder = folder.parent
