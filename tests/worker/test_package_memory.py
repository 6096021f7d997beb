"""Sealing and opening need the same memory for a small case and for a large one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environment import ROOT

SLACK = 16 << 20

# Runs on its own, so that the high-water mark is that of the work alone.
WRITE = """
import sys
from pathlib import Path
from parcels import CLINIC, LAB, statement
from worker.package.writing import Member, write_package
from worker.sealing import seal

block = bytes(range(256)) * 1024
member = Member("upper.stl", "upper", "stl", lambda: (block for _ in range(int(sys.argv[1]) * 4)))
package = write_package(statement(), [member], b"{}", CLINIC)
with open(sys.argv[2], "wb") as out:
    for chunk in seal(package, LAB.recipient):
        out.write(chunk)
"""
OPEN = """
import sys
from pathlib import Path
from parcels import LAB, VKEY
from worker.package.opening import open_package

open_package(Path(sys.argv[2]), [LAB], Path(sys.argv[3]), VKEY)
"""
PEAK = """
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def _peak(script: str, *arguments: str) -> int:
    """Run the script, and return the most memory it ever held, in bytes."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", script + PEAK, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is read from /proc")
def test_writing_600_megabytes_takes_no_more_than_writing_30() -> None:
    small, large = (_peak(WRITE, megabytes, os.devnull) for megabytes in ("30", "600"))
    assert abs(large - small) < SLACK


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is read from /proc")
def test_opening_300_megabytes_takes_no_more_than_opening_30(tmp_path: Path) -> None:
    peaks: list[int] = []
    for megabytes in ("30", "300"):
        package = tmp_path / f"{megabytes}.age"
        _peak(WRITE, megabytes, str(package))
        peaks.append(_peak(OPEN, megabytes, str(package), str(tmp_path / megabytes)))
        package.unlink()
        (tmp_path / megabytes / "upper.stl").unlink()
    assert abs(peaks[1] - peaks[0]) < SLACK
