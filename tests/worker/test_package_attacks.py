"""Packages that somebody changed: each is refused with its own code, and nothing is written."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from parcels import (
    CLINIC,
    LAB,
    OTHER_LAB,
    PRESCRIPTION,
    STRANGER,
    UPPER,
    VKEY,
    contents,
    member,
    members,
    parcel,
    refusal,
    renamed,
    sealed,
    statement,
    swapped,
    without,
    zipped,
)

from pipelines.reader import BytesReader
from worker.package.manifest import PAYLOAD_TYPE
from worker.package.opening import PackageRefused, open_package
from worker.package.writing import write_package
from worker.signing import SigningKey, VerifyKey, sign_envelope

PACKAGE = b"".join(parcel())
ENTRIES = contents(PACKAGE)
SEALED = sealed(PACKAGE)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_the_zip_writer_of_these_tests_makes_packages_that_open(out: Path) -> None:
    """Otherwise every refusal below could have another reason."""
    opened = open_package(BytesReader(sealed(zipped(ENTRIES))), [LAB], out, VKEY)
    assert len(opened.paths) == len(ENTRIES)


def test_a_wrong_key_is_refused(out: Path) -> None:
    assert refusal(SEALED, out, identity=OTHER_LAB) == "wrong-key"


@pytest.mark.parametrize("place", [0, 30, 1700, 4000, -70000, -1])
def test_a_flipped_bit_is_refused(out: Path, place: int) -> None:
    data = bytearray(SEALED)
    data[place] ^= 1
    assert refusal(bytes(data), out)


def test_the_last_byte_flipped_is_refused(out: Path) -> None:
    assert refusal(SEALED[:-1] + bytes([SEALED[-1] ^ 1]), out) == "payload-damaged"


@pytest.mark.parametrize("left", [0, 10, 1000, 2000, 65536, -65552, -16, -1])
def test_a_truncated_file_is_refused(out: Path, left: int) -> None:
    assert refusal(SEALED[:left], out)


def test_bytes_behind_the_end_are_refused(out: Path) -> None:
    assert refusal(SEALED + b"\0", out) == "payload-damaged"


def test_a_zip_that_was_cut_before_it_was_sealed_is_refused(out: Path) -> None:
    assert refusal(sealed(PACKAGE[:-30]), out, vkey=None) == "zip-damaged"


def test_an_extra_member_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped([*ENTRIES, ("extra.stl", b"x")])), out) == "member-extra"


def test_a_missing_member_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped(without(ENTRIES, "upper.stl"))), out) == "member-missing"


def test_a_missing_readme_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped(without(ENTRIES, "README.txt"))), out) == "member-missing"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped([*ENTRIES, ("upper.stl", UPPER)])), out) == "member-duplicate"


@pytest.mark.parametrize("name", ["upper.stl", "prescription.json", "README.txt"])
def test_a_member_with_other_bytes_of_the_same_size_is_refused(out: Path, name: str) -> None:
    other = bytes(len(dict(ENTRIES)[name]))
    assert refusal(sealed(zipped(swapped(ENTRIES, name, other))), out) == "member-changed"


def test_a_member_of_another_size_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped(swapped(ENTRIES, "upper.stl", b"x"))), out) == "member-changed"


def test_a_manifest_of_another_package_by_the_same_sender_is_refused(out: Path) -> None:
    other = dict(contents(b"".join(write_package(renamed("tr-0002"), members(), PRESCRIPTION, CLINIC))))
    data = zipped(swapped(ENTRIES, "manifest.json", other["manifest.json"]))
    assert refusal(sealed(data), out) == "manifest-changed"


def test_manifest_and_signature_of_another_package_by_the_same_sender_are_refused(out: Path) -> None:
    other = b"".join(write_package(renamed("tr-0002"), [member("upper.stl", b"y")], PRESCRIPTION, CLINIC))
    entries = ENTRIES
    for name in ("manifest.json", "manifest.dsse.json"):
        entries = swapped(entries, name, dict(contents(other))[name])
    assert refusal(sealed(zipped(entries)), out) == "member-extra"


def test_a_stripped_signature_is_refused(out: Path) -> None:
    entries = without(ENTRIES, "manifest.dsse.json")
    assert refusal(sealed(zipped(entries)), out) == "signature-missing"
    assert refusal(sealed(zipped(entries)), out, vkey=None) == "signature-missing"


def test_a_stripped_manifest_is_refused(out: Path) -> None:
    entries = without(ENTRIES, "manifest.json")
    assert refusal(sealed(zipped(entries)), out, vkey=None) == "manifest-missing"


def test_manifest_and_signature_both_stripped_are_refused(out: Path) -> None:
    entries = without(ENTRIES, "manifest.json", "manifest.dsse.json")
    assert refusal(sealed(zipped(entries)), out) == "not-a-package"


def test_an_envelope_without_signatures_is_refused(out: Path) -> None:
    signed = dict(ENTRIES)["manifest.dsse.json"]
    empty = signed[: signed.index(b'"signatures":[') + 14] + b"]}\n"
    data = zipped(swapped(ENTRIES, "manifest.dsse.json", empty))
    assert refusal(sealed(data), out) == "signature-missing"


def test_another_sender_is_refused(out: Path) -> None:
    data = sealed(b"".join(parcel(signer=STRANGER)))
    assert refusal(data, out) == "other-sender"


def test_another_sender_under_the_same_name_is_refused(out: Path) -> None:
    data = sealed(b"".join(parcel(signer=SigningKey(CLINIC.name, STRANGER.seed))))
    assert refusal(data, out) == "other-sender"


@pytest.mark.parametrize("vkey", [VKEY, None], ids=["trusted key", "no key"])
def test_a_manifest_that_claims_a_sender_who_did_not_sign_is_refused(out: Path, vkey: VerifyKey | None) -> None:
    manifest = dict(ENTRIES)["manifest.json"]
    envelope = sign_envelope(PAYLOAD_TYPE, manifest, STRANGER)
    data = zipped(swapped(ENTRIES, "manifest.dsse.json", envelope))
    assert refusal(sealed(data), out, vkey=vkey) == "other-sender"


def test_a_signature_of_other_bytes_under_the_right_key_id_is_refused(out: Path) -> None:
    envelope = dict(ENTRIES)["manifest.dsse.json"].replace(b'"sig":"', b'"sig":"AAAA')
    data = zipped(swapped(ENTRIES, "manifest.dsse.json", envelope))
    assert refusal(sealed(data), out) == "bad-signature"


def test_an_envelope_of_another_type_is_refused(out: Path) -> None:
    envelope = sign_envelope("application/octet-stream", dict(ENTRIES)["manifest.json"], CLINIC)
    data = zipped(swapped(ENTRIES, "manifest.dsse.json", envelope))
    assert refusal(sealed(data), out) == "envelope-type"


def test_a_package_that_a_lab_seals_again_for_another_lab_is_refused(out: Path) -> None:
    data = sealed(PACKAGE, OTHER_LAB.recipient)
    assert refusal(data, out, identity=OTHER_LAB) == "meant-for-another"


def _signed_by_the_sender(entries: list[tuple[str, bytes]], old: bytes, new: bytes) -> bytes:
    """A zip whose manifest says `new` instead of `old`, and is signed all the same."""
    manifest = dict(entries)["manifest.json"].replace(old, new)
    envelope = sign_envelope(PAYLOAD_TYPE, manifest, CLINIC)
    entries = swapped(swapped(entries, "manifest.json", manifest), "manifest.dsse.json", envelope)
    return sealed(zipped(entries))


@pytest.mark.parametrize("name", ["../upper", "/upper.st", "..\\upper", "nul.stlxx", "upper.st/"])
def test_an_unsafe_name_even_when_signed_is_refused(out: Path, name: str) -> None:
    entries = [(name if each == "upper.stl" else each, data) for each, data in ENTRIES]
    code = refusal(_signed_by_the_sender(entries, b'"upper.stl"', f'"{name}"'.encode()), out)
    assert code in ("member-name", "manifest-damaged")
    assert not (out.parent / "upper").exists()


def test_a_link_instead_of_a_file_is_refused(out: Path) -> None:
    assert refusal(sealed(zipped(ENTRIES, mode=stat.S_IFLNK | 0o777)), out) == "member-name"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":1,"more":1'),
        (b'"version":1', b'"version":1.0'),
        (b'"version":1', b'"version":1,"version":1'),
        (b'{"created"', b'{ "created"'),
        (b'"instances":1', b'"instances":true'),
        (b'"instances":1', b'"instances":-1'),
        (b'"files":[', b'"files":[3,'),
        (b'"tr-0001"', b'"\\ud800"'),
    ],
)
def test_a_manifest_in_another_form_even_when_signed_is_refused(out: Path, old: bytes, new: bytes) -> None:
    assert refusal(_signed_by_the_sender(ENTRIES, old, new), out) == "manifest-damaged"


def test_a_manifest_of_a_version_that_is_not_known_is_refused(out: Path) -> None:
    data = _signed_by_the_sender(ENTRIES, b'"version":1', b'"version":2')
    assert refusal(data, out) == "manifest-version"


def test_a_file_hidden_between_members_is_refused(out: Path) -> None:
    """A streaming reader would unpack it, the directory does not list it."""
    hidden = zipped([("hidden.stl", b"x" * 50)])
    local = hidden[: hidden.index(b"PK\x01\x02")]
    data = bytearray(local + PACKAGE)
    _move_directory(data, len(local))
    assert refusal(sealed(bytes(data)), out) == "zip-layout"


def test_a_local_header_that_names_another_file_is_refused(out: Path) -> None:
    place = PACKAGE.index(b"upper.stl" + UPPER[:12])
    data = PACKAGE[:place] + b"lower.stl" + PACKAGE[place + 9 :]
    assert refusal(sealed(data), out) == "zip-layout"


def test_a_comment_behind_the_directory_is_refused(out: Path) -> None:
    data = PACKAGE[:-2] + struct.pack("<H", 5) + b"hello"
    assert refusal(sealed(data), out) == "zip-layout"


class _Swapping:
    """A sealed file that is replaced by another one, sealed to the same key, after the verification."""

    def __init__(self, first: bytes, second: bytes, place: int) -> None:
        self._first, self._second, self._place, self._seen = first, second, place, 0

    @property
    def size(self) -> int:
        return len(self._first)

    def read(self, offset: int, length: int) -> bytes:
        self._seen += length
        data = self._second if self._seen > self._place else self._first
        return data[offset : offset + length]


def test_a_file_that_is_exchanged_after_it_was_verified_is_refused(out: Path) -> None:
    big = write_package(statement(), [member("upper.stl", UPPER * 40)], PRESCRIPTION, CLINIC)
    first = sealed(b"".join(big))
    second = first[:-4_000_000] + bytes(len(first[-4_000_000:]))
    with pytest.raises(PackageRefused, match="payload-damaged"):
        open_package(_Swapping(first, second, len(first) + 3_000_000), [LAB], out, VKEY)
    assert not out.exists()


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").write_bytes(b"kept")
    (tmp_path / "out").symlink_to(target)
    assert _code(SEALED, tmp_path / "out") == "out-not-empty"
    assert hashlib.sha256((target / "kept").read_bytes()).digest() == hashlib.sha256(b"kept").digest()


def _code(data: bytes, out: Path) -> str:
    with pytest.raises(PackageRefused) as caught:
        open_package(BytesReader(data), [LAB], out, VKEY)
    return caught.value.code


def _move_directory(data: bytearray, by: int) -> None:
    """Let the directory of the zip point to members that lie `by` bytes further."""
    row = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    while row < end:
        (offset,) = struct.unpack_from("<I", data, row + 42)
        struct.pack_into("<I", data, row + 42, offset + by)
        row += 46 + sum(struct.unpack_from("<3H", data, row + 28))
    (start,) = struct.unpack_from("<I", data, end + 16)
    struct.pack_into("<I", data, end + 16, start + by)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "package")
    with pytest.raises(PackageRefused, match="file-unreadable"):
        open_package(tmp_path / "package", [LAB], tmp_path / "out", VKEY)


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="file-unreadable"):
        open_package(tmp_path / "package", [LAB], tmp_path / "out", VKEY)
