"""Write files so that after a crash each holds either the old bytes or the new ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from keys.errors import KeysMisconfigured

_PARTIAL = ".partial-"


def write(path: Path, content: bytes) -> None:
    """Put `content` into `path`, readable by its owner only; on disk when this returns."""
    handle, partial = tempfile.mkstemp(prefix=_PARTIAL, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    settle(path.parent)


def remove(path: Path) -> None:
    """Remove `path` if it is there; gone from disk when this returns."""
    path.unlink(missing_ok=True)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what a crash left half written in `folder`; only its one owner may call this."""
    for partial in folder.glob(f"{_PARTIAL}*"):
        partial.unlink(missing_ok=True)


def read(path: Path) -> bytes:
    """Return the bytes of a file that every installation has; refuse where there is no installation."""
    try:
        return path.read_bytes()
    except OSError:
        raise KeysMisconfigured("not-initialised") from None
