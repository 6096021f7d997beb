"""Sealed objects under keys: what is put appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Protocol, Self

from worker.errors import Misconfigured, Unavailable

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9.-]*)+")
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
        partial = path.with_name(path.name + _PARTIAL)
        digest, size = hashlib.sha256(), 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(_new(partial), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folders(path.parent, self._root)
        except OSError:
            raise Unavailable("store-unavailable", "the store cannot be written", "check space and rights") from None
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return Stored(size, digest.hexdigest())

    def open(self, key: str) -> FolderObject:
        try:
            return FolderObject(self._path(key))
        except FileNotFoundError:
            raise Unavailable("object-missing", "an object is not in the store", "restore the store") from None
        except OSError:
            raise Unavailable("store-unavailable", "the store cannot be read", "check its rights") from None

    def folders(self) -> list[str]:
        return sorted(path.name for path in self._root.iterdir() if path.is_dir()) if self._root.is_dir() else []

    def list(self, folder: str) -> list[Listed]:
        root = self._root / folder
        return sorted(self._listed(root), key=lambda one: one.key) if root.is_dir() else []

    def delete(self, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self._root:
                break
            try:
                folder.rmdir()
            except OSError:
                break

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
            raise Misconfigured("bad-object-key", "an object key is not of the store's form")
        return self._root / key


def _new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)


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
