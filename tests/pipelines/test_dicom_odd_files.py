"""Files as real writers make them, and as nobody should: cleaned, or refused with a listed code."""

from __future__ import annotations

import csv
import struct
import warnings
from pathlib import Path

import dicom_objects as objects
import pydicom.data
import pytest
from environment import ROOT, shared
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from pipelines.dicom import clean
from pipelines.errors import PipelineError, Undecodable
from pipelines.reader import BytesReader

FILES = Path(pydicom.data.__file__).parent / "test_files"
REFUSED = {
    "DICOMDIR": "dicomdir",
    "DICOMDIR-bigEnd": "dicomdir",
    "DICOMDIR-empty.dcm": "dicomdir",
    "DICOMDIR-implicit": "dicomdir",
    "DICOMDIR-nooffset": "dicomdir",
    "DICOMDIR-nopatient": "dicomdir",
    "DICOMDIR-reordered": "dicomdir",
    "GDCMJ2K_TextGBR.dcm": "dicom-pixel-data",  # a JP2 file where a codestream belongs
    "MR_truncated.dcm": "dicom-truncated",
    "no_meta.dcm": "dicom-not-recognised",  # begins with a stray byte
    "rtplan_truncated.dcm": "dicom-truncated",
}
TEXTS = {".txt", ".json", ".dump", ".gz", ".icc", ".py", ".pyc", ""}


def real_files() -> list[Path]:
    found = [path for path in FILES.rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix not in TEXTS or path.name.startswith("DICOMDIR"))


def codes() -> set[str]:
    table = (ROOT / "pipelines" / "reasons.csv").read_text("utf-8")
    return {row["code"] for row in csv.DictReader(table.splitlines())}


def code_of(data: bytes) -> str:
    try:
        objects.cleaned(data)
    except PipelineError as error:
        return error.code
    return ""


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_a_real_file_is_cleaned_and_readable_or_refused_as_listed(path: Path) -> None:
    data = path.read_bytes()
    expected = REFUSED.get(path.name, "")
    assert code_of(data) == expected
    if not expected:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(list(objects.read(objects.cleaned(data)).iterall())) > 5


def test_shared_files_are_all_cleaned() -> None:
    paths = sorted(shared("data").rglob("*.dcm"))
    refused = {path.name: code_of(path.read_bytes()) for path in paths if "slice_0" not in path.name}
    # 3Shape scans carry the same suffix and are no DICOM.
    assert {name: code for name, code in refused.items() if code} == {
        "HandleAngledLarge.dcm": "dicom-not-recognised",
        "scan_040.dcm": "dicom-not-recognised",
    }


def test_every_code_that_refuses_is_explained() -> None:
    assert set(REFUSED.values()) <= codes()


def bare(data: bytes) -> bytes:
    """The data set of an explicit little endian file, without preamble and file meta."""
    return data[data.index(b"\x08\0\x05\0CS") :]


@pytest.mark.parametrize("kept", ["prefix", "meta", "nothing"])
def test_a_file_without_its_preamble_or_meta_is_cleaned_the_same(kept: str) -> None:
    data = objects.as_file(objects.ct())
    shortened = {"prefix": data[128:], "meta": data[132:], "nothing": bare(data)}[kept]
    assert objects.read(objects.cleaned(shortened)) == objects.read(objects.cleaned(data))


def test_a_file_meta_in_implicit_vr_is_understood() -> None:
    syntax = b"1.2.840.10008.1.2.1\0"
    meta = struct.pack("<HHI", 2, 0x10, len(syntax)) + syntax
    data = objects.as_file(objects.ct())
    implicit = bytes(128) + b"DICM" + meta + bare(data)
    assert objects.read(objects.cleaned(implicit)) == objects.read(objects.cleaned(data))


def test_attributes_out_of_order_are_put_in_order() -> None:
    data = objects.as_file(objects.ct())
    start = data.index(b"\x08\0\x05\0CS")
    patient = data.index(b"\x10\0\x10\0PN")
    swapped = data[:start] + data[patient:] + data[start:patient]
    assert objects.cleaned(swapped) == objects.cleaned(data)


def test_a_second_value_for_an_attribute_goes() -> None:
    data = objects.as_file(objects.ct())
    modality = data.index(b"\x08\0\x60\0CS")
    again = data[:modality] + b"\x08\0\x60\0CS\x08\0NIROLOEZ" + data[modality:]
    out = objects.cleaned(data[:modality] + data[modality : modality + 10] + again[modality:])
    assert b"NIROLOEZ" not in out


def test_group_lengths_go() -> None:
    data = objects.as_file(objects.ct())
    start = data.index(b"\x08\0\x05\0CS")
    length = struct.pack("<HH2sHI", 8, 0, b"UL", 4, 1234)
    assert objects.cleaned(data[:start] + length + data[start:]) == objects.cleaned(data)


def test_a_group_length_with_vr_un_goes_too() -> None:
    data = objects.as_file(objects.ct())
    start = data.index(b"\x08\0\x05\0CS")
    length = struct.pack("<HH2sHII", 8, 0, b"UN", 0, 4, 1234)
    assert objects.cleaned(data[:start] + length + data[start:]) == objects.cleaned(data)


def with_unknown_vr(body: bytes, length: int | None = None) -> bytes:
    """A file whose AnatomicRegionSequence (0008,2218) is written with the VR UN."""
    data = objects.as_file(objects.ct())
    at = data.index(b"\x10\0\x10\0PN")
    head = struct.pack("<HH2sHI", 8, 0x2218, b"UN", 0, len(body) if length is None else length)
    return data[:at] + head + body + data[at:]


def implicit_item(text: bytes) -> bytes:
    element = struct.pack("<HHI", 8, 0x0104, len(text)) + text
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(element)) + element


def test_a_sequence_written_as_unknown_is_read_as_implicit() -> None:
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    for data in (
        with_unknown_vr(implicit_item(b"jaw ")),
        with_unknown_vr(implicit_item(b"jaw ") + end, 0xFFFFFFFF),
    ):
        assert objects.read(objects.cleaned(data)).AnatomicRegionSequence[0].CodeMeaning == "jaw"


def test_a_name_in_a_sequence_written_as_unknown_goes() -> None:
    out = objects.cleaned(with_unknown_vr(implicit_item(b"Niroloez")), objects.context(words=("Niroloez",)))
    assert b"Niroloez" not in out


def nested(depth: int) -> Dataset:
    ds = Dataset()
    ds.CodeMeaning = "jaw"
    for _ in range(depth):
        outer = Dataset()
        outer.AnatomicRegionSequence = Sequence([ds])
        ds = outer
    return ds


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_depth_has_a_limit(syntax: str) -> None:
    shallow, deep = objects.ct(), objects.ct()
    shallow.AnatomicRegionSequence = nested(10).AnatomicRegionSequence
    deep.AnatomicRegionSequence = nested(40).AnatomicRegionSequence
    assert code_of(objects.as_file(shallow, syntax)) == ""
    assert code_of(objects.as_file(deep, syntax)) == "dicom-depth"


def test_a_bomb_of_empty_private_items_is_bounded() -> None:
    data = objects.as_file(objects.ct())
    at = data.index(b"\x10\0\x10\0PN")
    head = struct.pack("<HH2sHI", 9, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    bomb = data[:at] + head + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 1_100_000 + data[at:]
    assert code_of(bomb) == "dicom-limit"


@pytest.mark.parametrize(
    ("syntax", "code"),
    [("1.2.276.0.7230010.9", "transfer-syntax-unknown"), ("1.2.840.10008.1.2.4.94", "transfer-syntax-unknown")],
)
def test_an_encoding_that_is_not_known_is_refused(syntax: str, code: str) -> None:
    data = objects.as_file(objects.ct())
    padded = syntax.encode().ljust(len(syntax) + len(syntax) % 2, b"\0")
    start = data.index(b"\x02\0\x10\0UI")
    old = struct.unpack_from("<H", data, start + 6)[0]
    new = data[: start + 6] + struct.pack("<H", len(padded)) + padded + data[start + 8 + old :]
    assert code_of(new) == code


@pytest.mark.parametrize("length", [0xFFFF, 0x7FFFFFFE])
def test_a_length_that_lies_is_refused(length: int) -> None:
    data = objects.as_file(objects.ct())
    pixels = data.index(b"\xe0\x7f\x10\0OW")
    lying = data[: pixels + 8] + struct.pack("<I", length) + data[pixels + 12 :]
    assert code_of(lying) == "dicom-truncated"


def test_an_error_names_a_place_and_no_value() -> None:
    data = objects.as_file(objects.ct()).replace(b"PN\x0e\0Niroloez", b"PN\xff\xffNiroloez")
    with pytest.raises(Undecodable) as caught:
        clean(BytesReader(data), objects.context())
    assert "Niroloez" not in str(caught.value)
    assert caught.value.where == "(0010,0010)"


def test_numbers_written_as_text_stay() -> None:
    data = objects.as_file(objects.ct())
    at = data.index(b"\x28\0\x10\0US")
    wrong = data[:at] + b"\x28\0\x10\0DS\x02\x004 " + data[at + 10 :]
    assert objects.read(objects.cleaned(wrong)).Rows == 4
