"""Wherever a file can hold bytes that are not picture or shape, a term in them is found."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leak_files import chunk, data_set, dicom, hits, jpeg, names, png, raw_element, segment, stl
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from pipelines.kinds import Kind

_WORD = b"Mustermann"
_TERMS = names("mustermann")


def test_a_name_in_the_preamble_is_found() -> None:
    data = bytearray(dicom(data_set()))
    data[40:50] = _WORD
    assert [hit.where for hit in hits(bytes(data), Kind.DICOM, _TERMS)] == ["preamble"]


def test_a_name_in_the_file_meta_information_is_found() -> None:
    ds = data_set()
    dicom(ds)
    ds.file_meta.SourceApplicationEntityTitle = "MUSTERMANN"
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    found = hits(out.getvalue(), Kind.DICOM, _TERMS)
    assert [hit.where for hit in found] == ["SourceApplicationEntityTitle (0002,0016)"]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_name_is_found_in_every_byte_order_and_at_depth(syntax: UID) -> None:
    ds, item, inner = data_set(), Dataset(), Dataset()
    inner.CodeMeaning = "of Mustermann"
    inner.is_undefined_length_sequence_item = True
    item.PurposeOfReferenceCodeSequence = Sequence([inner])
    ds.ReferencedImageSequence = Sequence([item])
    ds["ReferencedImageSequence"].is_undefined_length = True
    found = hits(dicom(ds, syntax), Kind.DICOM, _TERMS)
    assert [hit.where for hit in found] == ["CodeMeaning (0008,0104)"]


def test_a_name_after_the_pixels_is_found() -> None:
    data = dicom(data_set())
    for tail in (_WORD, raw_element(0xFFFCFFFC, b"OB", _WORD), b"\0" * 4096 + _WORD):
        assert hits(data + tail, Kind.DICOM, _TERMS)


def test_a_name_behind_the_picture_within_the_pixel_data_is_found() -> None:
    assert hits(dicom(data_set(pixels=bytes(32) + _WORD)), Kind.DICOM, _TERMS)


def test_a_name_within_the_picture_is_not_looked_for() -> None:
    assert not hits(dicom(data_set(pixels=(_WORD * 4)[:32])), Kind.DICOM, _TERMS)


@pytest.mark.parametrize("frames", [1, 3])
def test_a_name_in_a_marker_segment_of_an_encapsulated_frame_is_found(frames: int) -> None:
    clean, named = jpeg(), jpeg(segment(0xFE, b"x" * 60_000) * 2 + segment(0xE1, _WORD))
    for last, found in ((clean, False), (named, True)):
        ds = data_set(pixels=encapsulate([clean] * (frames - 1) + [last]))
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
        assert bool(hits(dicom(ds, JPEGBaseline8Bit), Kind.DICOM, _TERMS)) is found


@pytest.mark.parametrize("length", [2, 0xFFFF, 0xFFFFFFFE])
def test_a_lying_length_hides_nothing(length: int) -> None:
    data = dicom(data_set())
    liar = struct.pack("<HH2sHI", 0x0029, 0x1010, b"UN", 0, length) + b"ab" + _WORD
    assert hits(data + liar, Kind.DICOM, _TERMS)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 1_000), cut=st.booleans())
def test_a_name_written_over_any_bytes_outside_the_picture_is_found(position: int, cut: bool) -> None:
    ds = data_set()
    ds.SeriesDescription = ds.ImageComments = "x" * 64
    ds.private_block(0x0029, "EXAMPLE", create=True).add_new(0x01, "OB", bytes(64))
    data = bytearray(dicom(ds))
    at = position % (len(data) - 32 - 12 - len(_WORD))
    data[at : at + len(_WORD)] = _WORD
    if cut:
        del data[at + len(_WORD) :]
    if data[128:132] == b"DICM":
        assert hits(bytes(data), Kind.DICOM, _TERMS)


@pytest.mark.parametrize("code", [0xFE, 0xE1, 0xE2, 0xED, 0xEF])
def test_a_name_in_a_segment_of_a_jpeg_or_after_its_end_is_found(code: int) -> None:
    assert hits(jpeg(segment(code, b"x " + _WORD)), Kind.IMAGE, _TERMS)
    assert hits(jpeg(tail=_WORD), Kind.IMAGE, _TERMS)
    assert not hits(jpeg(segment(code, b"x")), Kind.IMAGE, _TERMS)


@pytest.mark.parametrize("name", [b"tEXt", b"eXIf", b"prVt", b"iTXt"])
def test_a_name_in_a_chunk_of_a_png_or_after_its_end_is_found(name: bytes) -> None:
    assert hits(png(chunk(name, b"x\0" + _WORD)), Kind.IMAGE, _TERMS)
    assert hits(png(tail=_WORD), Kind.IMAGE, _TERMS)
    assert not hits(png(chunk(name, b"x\0")), Kind.IMAGE, _TERMS)


def test_a_name_as_a_chunk_name_does_not_reach_the_place() -> None:
    found = hits(png(chunk(b"Must", b"ermann")), Kind.IMAGE, _TERMS)
    assert [hit.where for hit in found] == ["chunk"]


def test_a_name_around_the_triangles_and_in_their_attribute_words_is_found() -> None:
    assert [hit.where for hit in hits(stl(b"for " + _WORD), Kind.STL, _TERMS)] == ["header"]
    assert [hit.where for hit in hits(stl(tail=_WORD), Kind.STL, _TERMS)] == ["trailing bytes"]
    assert [hit.where for hit in hits(stl(words=_WORD, count=9), Kind.STL, _TERMS)] == ["attribute words"]
    assert not hits(stl(b"a scan", b"\x01\x02", 9), Kind.STL, _TERMS)


def test_words_of_the_grammar_of_ascii_stl_are_no_names() -> None:
    facet = (
        b"  facet normal 0 0 1\n    outer loop\n      vertex 0.12345 0 0\n      vertex 1e-3 0 0\n"
        b"      vertex 1 1 nan\n    endloop\n  endfacet\n"
    )
    data = b"solid \n" + facet * 20_000 + b"endsolid \n"
    assert not hits(data, Kind.STL, names("facet", "normal", "vertex", "outer"))
    assert hits(data.replace(b"endsolid \n", b"endsolid Mustermann\n"), Kind.STL, _TERMS)
    assert hits(data.replace(b"solid \n", b"solid \n# Mustermann\n", 1), Kind.STL, _TERMS)


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 700_000))
def test_a_name_is_found_across_the_edges_of_windows(at: int) -> None:
    data = b"." * at + _WORD + b"." * (700_000 - at)
    assert hits(data, Kind.UNKNOWN, _TERMS)


def test_a_place_never_holds_the_term() -> None:
    ds = data_set()
    ds.ImageComments = "Mustermann"
    for hit in hits(dicom(ds), Kind.DICOM, _TERMS):
        assert "mustermann" not in repr(hit).lower()
    assert "mustermann" not in repr(_TERMS)
