"""A package that nobody touched: everything arrives, and the same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from parcels import (
    CLINIC,
    LAB,
    PRESCRIPTION,
    SLICE,
    UPPER,
    VKEY,
    contents,
    member,
    opening,
    parcel,
    sealed,
    statement,
    zipped,
)

from worker.package.manifest import RESERVED, BadManifest, Sender, Statement, check_paths, parse_manifest
from worker.package.opening import PackageRefused, open_package
from worker.package.writing import Member, PackageFailed, write_package
from worker.sealing import Kind, generate_identity


def test_every_file_arrives_with_its_bytes(tmp_path: Path) -> None:
    opened = opening(sealed(b"".join(parcel())), tmp_path / "out")
    assert (tmp_path / "out/upper.stl").read_bytes() == UPPER
    assert (tmp_path / "out/cbct/0001.dcm").read_bytes() == SLICE
    assert (tmp_path / "out/prescription.json").read_bytes() == PRESCRIPTION
    written = {path.relative_to(tmp_path / "out").as_posix() for path in opened.paths}
    assert written == {*RESERVED, "upper.stl", "cbct/0001.dcm"}
    assert opened.sender_verified
    assert opened.manifest is not None
    assert opened.manifest.statement == statement()


def test_files_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    opened = opening(sealed(b"".join(parcel())), tmp_path / "out")
    assert {stat.S_IMODE(path.stat().st_mode) for path in opened.paths} == {0o600}


def test_a_file_on_disk_opens_with_any_of_several_identities(tmp_path: Path) -> None:
    path = tmp_path / "package.age"
    path.write_bytes(sealed(b"".join(parcel())))
    others = [generate_identity(kind) for kind in Kind]
    opened = open_package(path, [*others, LAB], tmp_path / "out", VKEY)
    assert len(opened.paths) == 6


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert b"".join(parcel()) == b"".join(parcel())


def test_a_package_can_be_read_twice() -> None:
    package = parcel()
    assert b"".join(package) == b"".join(package)


def test_members_are_packed_in_the_order_of_their_paths() -> None:
    names = [name for name, _ in contents(b"".join(parcel()))]
    assert names == [*RESERVED, "cbct/0001.dcm", "upper.stl"]


def test_the_manifest_lists_every_file_with_size_and_digest() -> None:
    package = parcel()
    entries = dict(contents(b"".join(package)))
    listed = json.loads(entries["manifest.json"])
    assert entries["manifest.json"] == package.manifest.encode()
    for file in listed["files"]:
        data = entries[file["path"]]
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert listed["prescription"]["sha256"] == hashlib.sha256(PRESCRIPTION).hexdigest()
    assert listed["recipient"]["key_fingerprint"] == LAB.recipient.fingerprint
    assert listed["sender"]["key"] == CLINIC.vkey


def test_the_readme_names_pseudonym_recipient_and_roles() -> None:
    text = dict(contents(b"".join(parcel())))["README.txt"].decode()
    for word in ("LA-7KQ2-MX9D", "Lab A", "upper", "cbct", "2026-06-01"):
        assert word in text


def test_a_manifest_reads_back_as_it_was_written() -> None:
    manifest = parcel().manifest
    assert parse_manifest(manifest.encode()) == manifest


def test_an_empty_folder_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert opening(sealed(b"".join(parcel())), tmp_path / "out").paths


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes(b"mine")
    with pytest.raises(PackageRefused, match="out-not-empty"):
        opening(sealed(b"".join(parcel())), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_a_trusted_key_the_sender_is_only_claimed(tmp_path: Path) -> None:
    opened = opening(sealed(b"".join(parcel())), tmp_path / "out", vkey=None)
    assert not opened.sender_verified
    assert opened.manifest is not None


@pytest.mark.parametrize("payload", [b"", b"just a letter", b"PK\x03\x04 not a zip"])
def test_sealed_bytes_that_are_no_package_become_one_file(tmp_path: Path, payload: bytes) -> None:
    opened = opening(sealed(payload), tmp_path / "out", vkey=None)
    assert opened.manifest is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["payload"]
    assert (tmp_path / "out/payload").read_bytes() == payload


def test_a_sealed_zip_that_is_no_package_becomes_one_file(tmp_path: Path) -> None:
    data = zipped([("README.txt", b"mine"), ("a.txt", b"a")])
    opening(sealed(data), tmp_path / "out", vkey=None)
    assert (tmp_path / "out/payload").read_bytes() == data


def test_members_without_bytes_are_packed(tmp_path: Path) -> None:
    package = write_package(statement(), [member("empty.bin", b"")], b"{}\n", CLINIC)
    opening(sealed(b"".join(package)), tmp_path / "out")
    assert (tmp_path / "out/empty.bin").read_bytes() == b""


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "../a",
        "a/../b",
        "a//b",
        ".a",
        "a.",
        "a\\b",
        "c:a",
        "ä.stl",
        "nul",
        "COM1.txt",
        "a/",
        "a b",
        "a\n",
    ],
)
def test_a_path_that_is_not_neutral_is_never_packed(path: str) -> None:
    with pytest.raises(PackageFailed, match="member-name"):
        write_package(statement(), [member(path, b"x")], b"{}\n", CLINIC)


@pytest.mark.parametrize(
    "paths", [["a", "a"], ["a", "A"], ["a", "a/b"], ["A/b", "a"], ["readme.TXT"], ["manifest.json"]]
)
def test_paths_that_get_in_each_others_way_are_never_packed(paths: list[str]) -> None:
    with pytest.raises(BadManifest, match="member-duplicate"):
        check_paths(paths)


def test_a_member_that_changes_between_the_readings_stops_the_package() -> None:
    readings = iter([b"first", b"other"])
    package = write_package(statement(), [Member("a.stl", "upper", "stl", lambda: (next(readings),))], b"{}\n", CLINIC)
    with pytest.raises(PackageFailed, match="member-changed"):
        b"".join(package)


def test_a_time_without_a_zone_is_not_packed() -> None:
    naive: Statement = replace(statement(), created=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(PackageFailed, match="manifest-time"):
        write_package(naive, [], b"{}\n", CLINIC)


def test_a_name_that_is_no_text_is_refused_without_being_quoted() -> None:
    broken = replace(statement(), sender=Sender("secret\ud800", "DE"))
    with pytest.raises(PackageFailed) as caught:
        write_package(broken, [], b"{}\n", CLINIC)
    assert caught.value.code == "text-encoding"
    assert caught.value.__suppress_context__
