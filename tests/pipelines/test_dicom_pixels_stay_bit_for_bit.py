"""Pixels leave as they came; only texts that compressors write beside them are blanked."""

from __future__ import annotations

from pathlib import Path

import dicom_objects as objects
import pydicom.data
import pytest
from pydicom.encaps import encapsulate, generate_fragments

from pipelines.dicom import clean
from pipelines.errors import NeedsPerson, PipelineError, Undecodable
from pipelines.reader import BytesReader
from pipelines.segments import Range

FILES = Path(pydicom.data.__file__).parent / "test_files"
JPEG, J2K = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00?\x00" + bytes(range(64)) + b"\xff\xd9"


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_bigendian.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_jpeg_dcmtk.dcm", "rtdose.dcm"]
)
def test_the_pixel_data_of_real_files_is_the_same(name: str) -> None:
    data = (FILES / name).read_bytes()
    before, after = objects.read(data), objects.read(objects.cleaned(data))
    assert before.PixelData == after.PixelData
    assert before.file_meta.TransferSyntaxUID == after.file_meta.TransferSyntaxUID


def test_pixels_are_ranges_of_the_source() -> None:
    ds = objects.ct()
    ds.Rows = 4096
    ds.PixelData = bytes(4096 * 8)
    data = objects.as_file(ds)
    result = clean(BytesReader(data), objects.context())
    assert [part.size for part in result.segments if isinstance(part, Range)] == [4096 * 8]


def compressed(payload: bytes, syntax: str) -> bytes:
    ds = objects.ct()
    ds.PixelData = encapsulate([payload, payload])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return objects.as_file(ds, syntax)


def fragments(data: bytes) -> list[bytes]:
    return list(generate_fragments(objects.read(data).PixelData))


def test_comments_and_exif_in_jpeg_fragments_are_blanked_in_place() -> None:
    jfif, adobe = segment(0xE0, b"JFIF\0" + bytes(9)), segment(0xEE, b"Adobe" + bytes(7))
    texts = segment(0xFE, b"Niroloez") + segment(0xE1, b"Exif\0\0Niroloez") + segment(0xE0, b"JFXXNiroloez")
    blanks = segment(0xFE, bytes(8)) + segment(0xE1, bytes(14)) + segment(0xE0, bytes(12))
    head, tail = b"\xff\xd8" + jfif + adobe, segment(0xDB, bytes(65)) + SCAN
    data = compressed(head + texts + tail, JPEG)
    out = objects.cleaned(data)
    assert b"Niroloez" not in out
    assert [part[: len(head + blanks + tail)] for part in fragments(out)[1:]] == [head + blanks + tail] * 2
    assert fragments(out)[0] == fragments(data)[0]


def test_comments_in_jpeg_2000_codestreams_are_blanked() -> None:
    head = b"\xff\x4f" + segment(0x51, bytes(38))
    data = compressed(head + segment(0x64, b"\0\1Niroloez") + b"\xff\x90rest", J2K)
    out = objects.cleaned(data)
    assert b"Niroloez" not in out
    assert fragments(out)[1].startswith(head + segment(0x64, b"\0\1" + bytes(8)) + b"\xff\x90rest")


@pytest.mark.parametrize(
    "payload", [b"\xff\xd8\xff\xfe\xff\xffshort ", b"\xff\xd8nothing", b"\xff\xd8\xff\xfe", b"\0\0\0\x0cjP  \r\n\x87\n"]
)
def test_fragments_that_are_not_what_they_say_are_refused(payload: bytes) -> None:
    with pytest.raises(Undecodable, match="dicom-pixel-data"):
        objects.cleaned(compressed(payload, JPEG))


def picture(**values: object) -> bytes:
    ds = objects.ct()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return objects.as_file(ds)


IO = "1.2.840.10008.5.1.4.1.1.1.3"


@pytest.mark.parametrize(
    "values",
    [
        {"SOPClassUID": IO},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
        {"BurnedInAnnotation": "YES"},
    ],
)
def test_a_picture_waits_for_a_person_under_a_profile_that_cleans_pixels(values: dict[str, object]) -> None:
    data = picture(**values)
    with pytest.raises(NeedsPerson, match="pixels-unchecked"):
        objects.cleaned(data, objects.context(pixels_checked=False))
    assert objects.cleaned(data, objects.context(pixels_checked=True))
    assert objects.cleaned(data, objects.context("basic", pixels_checked=False))


def test_a_slice_of_a_volume_does_not_wait() -> None:
    assert objects.cleaned(picture(), objects.context(pixels_checked=False))


def test_a_packed_document_is_held() -> None:
    ds = objects.ct()
    ds.EncapsulatedDocument = b"%PDF-1.7"
    with pytest.raises(PipelineError, match="encapsulated-document"):
        objects.cleaned(objects.as_file(ds))
