"""A process that dies while it writes an opened package leaves no file in a place where it looks whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from parcels import CLINIC as SENDER
from parcels import LAB, VKEY, member, sealed, statement

from pipelines.reader import BytesReader
from worker.package.opening import open_package
from worker.package.writing import write_package

LARGE = 3 << 20


class Reads(BytesReader):
    """Bytes whose reader counts what it is asked for, and ends the process at one of the questions."""

    def __init__(self, data: bytes, fatal: int | None = None) -> None:
        super().__init__(data)
        self._fatal = fatal
        self.count = 0

    def read(self, offset: int, length: int) -> bytes:
        self.count += 1
        if self.count == self._fatal:
            os._exit(9)
        return super().read(offset, length)


@pytest.fixture(scope="module")
def data() -> bytes:
    scans = [member("upper.stl", b"u" * LARGE), member("cbct/0001.dcm", b"c" * LARGE, "cbct", "dicom")]
    return sealed(b"".join(write_package(statement(), scans, b"{}", SENDER)))


def died(data: bytes, fatal: int, out: Path) -> bool:
    """Open in a forked process that ends at one read; say whether it did."""
    child = os.fork()
    if child == 0:
        open_package(Reads(data, fatal), [LAB], out, VKEY)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


def test_wherever_it_dies_no_file_is_in_its_place(data: bytes, tmp_path: Path) -> None:
    whole = Reads(data)
    open_package(whole, [LAB], tmp_path / "whole", VKEY)
    begun = 0
    for fatal in range(1, whole.count + 1):
        out = tmp_path / str(fatal)
        assert died(data, fatal, out)
        left = [path.name for path in out.iterdir()] if out.exists() else []
        assert left in ([], [".partial"])
        begun += bool(left)
    assert begun > 1
