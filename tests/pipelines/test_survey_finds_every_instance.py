"""An upload is looked through to the last nested member; what cannot be read is named, not lost."""

from __future__ import annotations

import io

import pytest
from environment import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    generate_uid,
)
from recipes import ascii_solid, binary_stl, zipped

from pipelines import Kind
from pipelines.archive import Limits
from pipelines.reader import BytesReader, through
from pipelines.roles import Role
from pipelines.survey import Instance, Survey, survey


def _survey(data: bytes, name: str = "case.zip", limits: Limits | None = None) -> Survey:
    return survey(BytesReader(data), name, limits)


def _only(data: bytes, name: str = "x") -> Instance:
    found = _survey(data, name)
    assert len(found.instances) == 1
    return found.instances[0]


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 90, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def _slice(number: int, series: str = "1.2.3.4", sop_class: UID = CTImageStorage) -> bytes:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = sop_class
    header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID, header.Modality = sop_class, "CT"
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3", series
    header.InstanceNumber = number
    header.PatientName = "Niroloez^Eman"
    buffer = io.BytesIO()
    header.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_a_file_of_its_own_is_one_instance() -> None:
    found = _only(binary_stl(), "Niroloez_UpperJaw.stl")
    assert (found.kind, found.role, found.member, found.layers) == (Kind.STL, Role.UPPER, (), ())


def test_every_member_of_nested_archives_is_found_with_its_way() -> None:
    inner = zipped(("lower.stl", binary_stl()), ("deep.zip", zipped(("bite.stl", ascii_solid(b"x")))))
    data = zipped(("UpperJaw/Data.stl", binary_stl()), ("inner.zip", inner))
    found = _survey(data).instances
    assert [item.member for item in found] == [(1,), (2, 1), (2, 2, 1)]
    assert [item.role for item in found] == [Role.UPPER, Role.LOWER, Role.BITE]


def test_the_layers_of_an_instance_show_its_bytes() -> None:
    data = zipped(("inner.zip", zipped(("a.stl", binary_stl()), ("b.stl", ascii_solid(b"x")))))
    source = BytesReader(data)
    views = [through(source, item.layers) for item in survey(source, "x").instances]
    assert [view.read(0, view.size) for view in views] == [binary_stl(), ascii_solid(b"x")]


def test_an_archive_too_deep_is_named() -> None:
    data = zipped(("a.stl", binary_stl()))
    for _ in range(4):
        data = zipped(("inner.zip", data), ("upper.stl", binary_stl()))
    found = _survey(data).instances
    assert [item.problem for item in found if item.problem] == ["archive-too-deep"]
    assert sum(item.kind is Kind.STL for item in found) == 3


def test_one_bad_member_hides_no_other() -> None:
    inner = zipped(("x.stl", binary_stl()))
    data = zipped(
        ("notes.txt", b"Dear lab"), ("broken.zip", inner[:-5]), ("empty.stl", b""), ("upper.stl", binary_stl())
    )
    problems = [item.problem for item in _survey(data).instances]
    assert problems == ["unknown-format", "archive-damaged", "empty-file", None]


def test_a_bomb_inside_hides_no_other() -> None:
    bomb = zipped(("zeros", bytes(80 << 20)))
    found = _survey(zipped(("bomb.zip", bomb), ("upper.stl", binary_stl()))).instances
    assert [item.problem for item in found] == ["archive-too-large", None]


def test_members_of_all_archives_are_counted_together() -> None:
    inner = zipped(("a", b"1"), ("b", b"2"))
    found = _survey(zipped(("x.zip", inner), ("y.zip", inner)), limits=Limits(members=5)).instances
    assert [item.problem for item in found][-1] == "archive-too-many-members"


@pytest.mark.parametrize("name", ["__MACOSX/._upper.stl", ".DS_Store", "folder/Thumbs.db", "desktop.ini", "folder/._x"])
def test_litter_is_dropped_and_said_to_be(name: str) -> None:
    found = _survey(zipped((name, b"\0\x05\x16\x07litter"), ("upper.stl", binary_stl())))
    assert [item.member for item in found.instances] == [(2,)]
    assert [(finding.where, finding.reason) for finding in found.dropped] == [("member 1", "litter")]


def test_a_scan_under_the_name_of_litter_is_a_scan() -> None:
    assert _only(zipped(("__MACOSX/upper.stl", binary_stl()))).kind is Kind.STL


def test_folders_are_no_members_and_an_archive_of_them_is_empty() -> None:
    assert _only(zipped(("Niroloez/", b""))).problem == "archive-empty"
    assert _only(zipped()).problem == "archive-empty"
    assert _only(zipped(("Niroloez/", b""), ("Niroloez/a.stl", binary_stl()))).member == (2,)


def test_a_folder_gives_its_role_to_what_is_in_it() -> None:
    assert _only(zipped(("Oberkiefer/Data.stl", binary_stl()))).role is Role.UPPER


def test_slices_of_one_series_share_its_digest_and_keep_their_order() -> None:
    data = zipped(("b", _slice(2)), ("a", _slice(1)), ("c", _slice(1, "1.2.3.5")))
    found = _survey(data).instances
    assert [item.order for item in found] == [2, 1, 1]
    assert found[0].series == found[1].series != found[2].series
    assert "1.2.3.4" not in str(found[0].series)
    assert {item.role for item in found} == {Role.CBCT}


def test_what_a_header_says_about_a_person_is_harvested() -> None:
    assert any(term.text == "niroloez" for term in _only(_slice(1)).terms)
    assert "iroloez" not in repr(_only(_slice(1)))


def test_a_dicomdir_is_dropped_and_said_to_be() -> None:
    directory = _slice(1, sop_class=MediaStorageDirectoryStorage)
    found = _survey(zipped(("DICOMDIR", directory), ("CT1/1", _slice(1))))
    assert [finding.reason for finding in found.dropped] == ["dicomdir"]
    assert len(found.instances) == 1


def test_a_damaged_instance_is_named() -> None:
    assert _only(_slice(1)[:150]).problem is not None


def test_kinds_that_no_pipeline_cleans_say_so_at_once() -> None:
    assert _only(b"ply\nformat ascii 1.0\n").problem == "ply-not-supported"
    assert _only(_photo()).problem is None


def test_every_file_of_the_shared_data_is_recognised() -> None:
    known = {".dcm": Kind.DICOM, ".stl": Kind.STL, ".ply": Kind.PLY, ".jpg": Kind.IMAGE, ".png": Kind.IMAGE}
    paths = [path for path in sorted(shared("data").rglob("*")) if path.suffix.lower() in known]
    for path in paths:
        if path.parent.name != "open3sdcm":
            found = _only(path.read_bytes(), path.name)
            assert found.kind is known[path.suffix.lower()], path.name
    assert len(paths) > 50


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4))
def test_damage_never_stops_a_survey(at: int, noise: bytes) -> None:
    data = bytearray(zipped(("a.stl", binary_stl()), ("b.zip", zipped(("c", _slice(1)), ("d", _photo())))))
    at %= len(data)
    data[at : at + len(noise)] = noise
    assert _survey(bytes(data)).instances
