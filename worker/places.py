"""Files of a person: found below the paths they name, and written so that they appear whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path


def files_below(paths: Iterable[Path], but: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Yield every file that `paths` name, folders in full and in order, with its name below them.

    The file `but` is left out: an order often lies in the folder of its scans.
    """
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if file.is_file() and not (but is not None and file.samefile(but)):
                yield file, file.relative_to(path.parent).as_posix()


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Make `path` hold `data`, durably and at once; its folder is made, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A name of its own for every writer: threads and processes may write the same place at once.
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    Path(partial).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
