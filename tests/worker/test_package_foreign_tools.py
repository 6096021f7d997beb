"""The zip in a package is read by other programs, as a file and as a stream."""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from environment import ROOT, tool
from parcels import CLINIC, contents, member, opening, parcel, sealed, statement

from worker.package.writing import PackageStream, write_package

JAVA = ROOT / "tests" / "vectors" / "StreamZip.java"
Command = Callable[[Path, Path], list[str]]
COMMANDS: dict[str, Command] = {
    "unzip": lambda package, out: [tool("unzip"), "-q", str(package), "-d", str(out)],
    "7z": lambda package, out: [tool("7z"), "x", "-bd", f"-o{out}", str(package)],
    "bsdtar": lambda package, out: [tool("bsdtar"), "-x", "-f", str(package), "-C", str(out)],
}


def _listed(package: bytes) -> list[str]:
    """What Java's streaming reader sees, one line a member."""
    done = subprocess.run([tool("java"), str(JAVA)], input=package, capture_output=True, check=True, timeout=120)
    return done.stdout.decode().splitlines()


@pytest.fixture(scope="module")
def crowded() -> PackageStream:
    """More members than a plain zip can count: the package is written as zip64."""
    members = [member(f"cbct/{number:06}.dcm", b"", "cbct", "dicom") for number in range(65_540)]
    return write_package(statement(), members, b"{}\n", CLINIC)


@pytest.mark.parametrize("program", COMMANDS)
def test_it_unpacks_every_file(program: str, tmp_path: Path) -> None:
    data = b"".join(parcel())
    (tmp_path / "package.zip").write_bytes(data)
    out = tmp_path / "out"
    out.mkdir()
    command = COMMANDS[program](tmp_path / "package.zip", out)
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    for name, expected in contents(data):
        assert (out / name).read_bytes() == expected


def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(b"".join(parcel()))
    subprocess.run([tool("unzip"), "-tq", str(tmp_path / "package.zip")], check=True, capture_output=True)


def test_bsdtar_reads_it_from_a_pipe() -> None:
    data = b"".join(parcel())
    done = subprocess.run([tool("bsdtar"), "-t", "-f", "-"], input=data, check=True, capture_output=True)
    assert done.stdout.decode().split() == [name for name, _ in contents(data)]


def test_java_reads_it_as_a_stream() -> None:
    data = b"".join(parcel())
    assert _listed(data) == [f"{zlib.crc32(each):08x} {len(each)} {name}" for name, each in contents(data)]


def test_java_reads_a_crowded_one_as_a_stream(crowded: PackageStream) -> None:
    assert len(_listed(b"".join(crowded))) == 65_544


def test_unzip_lists_a_crowded_one(crowded: PackageStream, tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(b"".join(crowded))
    done = subprocess.run(
        [tool("unzip"), "-Z1", str(tmp_path / "package.zip")], check=True, capture_output=True, timeout=60
    )
    assert len(done.stdout.split()) == 65_544


def test_we_open_one_with_the_wide_fields_of_zip64(tmp_path: Path) -> None:
    members = [member(f"cbct/{number:06}.dcm", b"s", "cbct", "dicom") for number in range(16_500)]
    data = b"".join(write_package(statement(), members, b"{}\n", CLINIC))
    assert data[4:6] == (45).to_bytes(2, "little")
    opened = opening(sealed(data), tmp_path / "out")
    assert len(opened.paths) == 16_504
