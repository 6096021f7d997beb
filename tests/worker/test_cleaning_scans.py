"""Real scans through real children: what comes out is clean, whole, and the same every time."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

import pydicom
import pytest
from environment import shared
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from pipelines.cleaned import Context
from pipelines.kinds import Kind
from pipelines.profile import profile_named
from pipelines.reader import BytesReader
from pipelines.replacement import Replacement
from pipelines.roles import Role
from pipelines.terms import Term, TermKind, Terms
from worker.cleaning import Cleaner
from worker.scans import CleanedScan, HeldScan, Source, case_terms, scans

ORDER: Terms = frozenset((Term("niroloez", TermKind.NAME), Term("eman", TermKind.NAME)))


@pytest.fixture(scope="module")
def cleaner() -> Iterator[Cleaner]:
    with Cleaner() as cleaner:
        yield cleaner


def surface(header: bytes = b"Niroloez Eman", tail: bytes = b"", triangles: int = 20) -> bytes:
    shape = b"".join(struct.pack("<12fH", 0, 0, 1, n, 0, 0, n + 1, 0, 0, n, 1, 0, 0) for n in range(triangles))
    return header.ljust(80, b" ") + struct.pack("<I", triangles) + shape + tail


def photo() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Niroloez"
    Image.new("RGB", (32, 24), (200, 120, 90)).save(out, "JPEG", exif=exif, comment=b"Eman")
    return out.getvalue()


def slices(count: int) -> list[Source]:
    """A CT series as a device writes it, one file a slice, with a name in it."""
    series, frame = generate_uid(), generate_uid()
    sources = []
    for number in range(1, count + 1):
        data_set = Dataset()
        data_set.file_meta = FileMetaDataset()
        data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data_set.SOPClassUID = CTImageStorage
        data_set.SOPInstanceUID = generate_uid()
        data_set.StudyInstanceUID = data_set.FrameOfReferenceUID = frame
        data_set.SeriesInstanceUID = series
        data_set.Modality, data_set.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        data_set.PatientName, data_set.PatientID = "Niroloez^Eman", "P-48151623"
        data_set.PatientBirthDate, data_set.StudyDate = "19840229", "20240311"
        data_set.InstitutionName, data_set.DeviceSerialNumber = "Zahnklinik Sonnenthal", "SN-77120-X"
        data_set.ImageComments = "Eman, second visit"
        data_set.InstanceNumber = number
        data_set.Rows = data_set.Columns = 16
        data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
        data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = 16, 12, 11
        data_set.PixelRepresentation = 0
        data_set.PixelData = number.to_bytes(2, "little") * 256
        out = io.BytesIO()
        data_set.save_as(out, enforce_file_format=True)
        sources.append(source(number, f"Niroloez/{number}.dcm", out.getvalue()))
    return sources


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in members.items():
            writer.writestr(name.replace("__", "."), data)
    return out.getvalue()


def clean(
    cleaner: Cleaner, sources: list[Source], *, checked: bool = True, order: Terms = ORDER
) -> list[CleanedScan | HeldScan]:
    found = cleaner.survey(sources)
    replacement = Replacement("K7M2P-4QX9T-B3HVC", bytes(range(32)), -700)
    context = Context(replacement, profile_named("aligner"), case_terms(order, found), checked)
    return list(cleaner.clean(scans(found), sources, context))


def source(item: int, name: str, data: bytes) -> Source:
    return Source(item, name, BytesReader(data))


def bytes_of(result: CleanedScan | HeldScan) -> list[bytes]:
    assert isinstance(result, CleanedScan), result
    files = [b"".join(file.chunks()) for file in result.files]
    assert [len(data) for data in files] == [file.size for file in result.files]
    return files


def test_a_surface_keeps_its_shape_and_loses_its_name(cleaner: Cleaner) -> None:
    data = surface(tail=b"Niroloez")
    (result,) = clean(cleaner, [source(1, "Niroloez_UpperJaw.stl", data)])
    (out,) = bytes_of(result)
    assert out[84:] == data[84 : 84 + 1000]
    assert b"Niroloez" not in out
    assert (result.scan.role, result.scan.kind) == (Role.UPPER, Kind.STL)
    assert "Niroloez" not in repr(result)


def test_the_members_of_a_zip_are_cleaned_where_they_lie(cleaner: Cleaner) -> None:
    upload = archive(upper__stl=surface(), photo__jpg=photo(), lower__stl=surface(triangles=5000))
    results = clean(cleaner, [source(4, "case.zip", upload)])
    assert [result.scan.scan_id for result in results] == ["4.1", "4.2", "4.3"]
    for result, inside in zip(results, (surface(), photo(), surface(triangles=5000)), strict=True):
        (out,) = bytes_of(result)
        assert len(out) > len(inside) // 4
        assert b"Niroloez" not in out
        assert b"Eman" not in out
    assert bytes_of(results[2])[0][84:] == surface(triangles=5000)[84:]


def test_what_is_not_understood_is_held_and_the_rest_is_not(cleaner: Cleaner) -> None:
    results = clean(
        cleaner,
        [
            source(1, "upper.stl", surface()),
            source(2, "damaged.stl", surface()[:-30]),
            source(3, "notes.bin", b"\x00\x01Niroloez" * 40),
            source(4, "damaged.zip", archive(upper__stl=surface())[:-40]),
            source(5, "empty", b""),
        ],
    )
    assert [type(result) for result in results] == [CleanedScan, *[HeldScan] * 4]
    assert "Niroloez" not in repr(results)


def test_a_photograph_nobody_looked_at_waits_for_a_person(cleaner: Cleaner) -> None:
    (held,) = clean(cleaner, [source(1, "face.jpg", photo())], checked=False)
    assert isinstance(held, HeldScan)
    assert (held.code, held.needs_person) == ("pixels-unchecked", True)


def test_the_slices_of_a_series_are_one_scan_with_their_pixels_untouched(cleaner: Cleaner) -> None:
    sources = slices(5)
    results = clean(cleaner, sources)
    assert [result.scan.role for result in results] == [Role.CBCT]
    files = bytes_of(results[0])
    read = [pydicom.dcmread(io.BytesIO(data)) for data in files]
    before = [pydicom.dcmread(io.BytesIO(one.reader.read(0, one.reader.size))) for one in sources]
    assert [one.PixelData for one in read] == [one.PixelData for one in before]
    assert {one.PatientID for one in read} == {"K7M2P-4QX9T-B3HVC"}
    assert len({one.SeriesInstanceUID for one in read}) == 1
    assert len({one.SOPInstanceUID for one in read}) == 5
    for word in (b"Niroloez", b"Eman", b"48151623", b"19840229", b"Sonnenthal", b"77120"):
        assert not any(word in data for data in files)


def test_no_file_of_the_reference_data_makes_a_child_stop_without_an_answer(cleaner: Cleaner) -> None:
    """What a child would load on first use, it cannot load: that would be a pipeline fault."""
    paths = sorted(path for path in shared("data").rglob("*") if path.is_file())
    sources = [
        source(number, path.name, path.read_bytes())
        for number, path in enumerate(paths, 1)
        if path.stat().st_size < 4_000_000
    ]
    results = clean(cleaner, sources, order=frozenset())
    faults = [
        (paths[result.scan.instances[0].item - 1].name, result.where)
        for result in results
        if isinstance(result, HeldScan) and result.code == "pipeline-fault"
    ]
    assert faults == []


def test_the_same_case_gives_the_same_bytes(cleaner: Cleaner) -> None:
    sources = [source(1, "case.zip", archive(upper__stl=surface(), photo__jpg=photo()))]
    once, again = ([data for result in clean(cleaner, sources) for data in bytes_of(result)] for _ in range(2))
    assert once == again
