"""Packages for tests: an invented case, and a zip writer that does not know any of our rules."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.reader import BytesReader
from worker.package.manifest import Addressee, Profile, Sender, Statement
from worker.package.opening import OpenedPackage, PackageRefused, open_package
from worker.package.writing import Member, PackageStream, write_package
from worker.sealing import Identity, Kind, Recipient, generate_identity, seal
from worker.signing import SigningKey, VerifyKey

LAB = generate_identity(Kind.POST_QUANTUM, random=lambda size: b"\x07" * size)
OTHER_LAB = generate_identity(Kind.CLASSIC, random=lambda size: b"\x08" * size)
CLINIC = SigningKey("clinic.example", b"\x05" * 32)
STRANGER = SigningKey("stranger.example", b"\x06" * 32)
VKEY = VerifyKey.parse(CLINIC.vkey)
PRESCRIPTION = b'{"arches":["upper","lower"]}\n'
UPPER = b"solid upper " * 9000
SLICE = bytes(range(256)) * 300


def statement(recipient: Recipient = LAB.recipient) -> Statement:
    """A transfer to the lab whose key is `recipient`."""
    return Statement(
        transfer="tr-0001",
        created=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        sender=Sender("Praxis Beispiel", "DE"),
        recipient=Addressee("lab-a", "Lab A", recipient.fingerprint),
        pseudonym="LA-7KQ2-MX9D",
        purpose="aligner-treatment",
        expires=datetime(2026, 6, 1, tzinfo=UTC),
        profile=Profile("aligner", "a" * 64),
    )


def member(path: str, data: bytes, role: str = "upper", kind: str = "stl") -> Member:
    """A member of the package with bytes that are in memory."""
    return Member(path, role, kind, lambda: (data,))


def members() -> list[Member]:
    """A surface scan and a slice in a folder."""
    return [member("upper.stl", UPPER), member("cbct/0001.dcm", SLICE, "cbct", "dicom")]


def parcel(signer: SigningKey = CLINIC, recipient: Recipient = LAB.recipient) -> PackageStream:
    """The invented case as a package."""
    return write_package(statement(recipient), members(), PRESCRIPTION, signer)


def sealed(payload: bytes, recipient: Recipient = LAB.recipient) -> bytes:
    """The bytes, sealed."""
    return b"".join(seal([payload], recipient))


def contents(package: bytes) -> list[tuple[str, bytes]]:
    """The members of a zip, by a reader that is not ours."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def zipped(entries: Sequence[tuple[str, bytes]], mode: int = 0o100600) -> bytes:
    """A zip of the entries, laid out as a package is, whatever their names are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    return _with_utf8_flags(out.getvalue())


def swapped(entries: Sequence[tuple[str, bytes]], name: str, data: bytes) -> list[tuple[str, bytes]]:
    """The entries with other bytes under one name."""
    return [(each, data if each == name else old) for each, old in entries]


def without(entries: Sequence[tuple[str, bytes]], *names: str) -> list[tuple[str, bytes]]:
    """The entries without those of these names."""
    return [(each, data) for each, data in entries if each not in names]


def opening(data: bytes, out: Path, identity: Identity = LAB, vkey: VerifyKey | None = VKEY) -> OpenedPackage:
    """Open the sealed bytes into `out`."""
    return open_package(BytesReader(data), [identity], out, vkey)


def refusal(data: bytes, out: Path, identity: Identity = LAB, vkey: VerifyKey | None = VKEY) -> str:
    """The code that the sealed bytes are refused with; nothing is left in `out`."""
    try:
        opening(data, out, identity, vkey)
    except PackageRefused as error:
        assert not out.exists() or not any(out.iterdir())
        return error.code
    raise AssertionError("the package was opened")


def renamed(transfer: str) -> Statement:
    """The statement of another transfer."""
    return replace(statement(), transfer=transfer)


def _with_utf8_flags(data: bytes) -> bytes:
    """Set the flag for UTF-8 names in every header, as packages do; `zipfile` leaves it out for ASCII."""
    out = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        row = archive.start_dir
        for info in archive.infolist():
            out[info.header_offset + 7] |= 8
            out[row + 9] |= 8
            row += 46 + len(info.orig_filename.encode()) + len(info.extra) + len(info.comment)
    return bytes(out)
