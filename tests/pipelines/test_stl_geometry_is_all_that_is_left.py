"""What stood in a surface's header, names, attribute words and tail is gone; its triangles are the same."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stl
import trimesh
from environment import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from recipes import TETRAHEDRON, ascii_solid, binary_stl, cleaned, cleaned_or_held, context

from pipelines import Kind, Undecodable
from pipelines.reader import Blanked, BytesReader, Inflated, InflatedReader, through
from pipelines.segments import Range, stream
from pipelines.surface import clean
from pipelines.terms import Term, TermKind

_NAME = b"Niroloez"
_WORDS = (0x4E69, 0x0102, 0x7FFF, 0x0001)


def _geometry(data: bytes) -> str:
    """Return a digest of the twelve numbers of every triangle, attribute words left out."""
    count = int.from_bytes(data[80:84], "little")
    records = (data[84 + 50 * index : 84 + 50 * index + 48] for index in range(count))
    return hashlib.sha256(b"".join(records)).hexdigest()


def _words(data: bytes) -> list[int]:
    return [struct.unpack_from("<H", data, at)[0] for at in range(84 + 48, len(data), 50)]


def _read_back(data: bytes) -> Any:
    return stl.Mesh.from_file("x.stl", fh=io.BytesIO(data))


@pytest.mark.parametrize(
    "header",
    [
        b"Exported from exoscan Patient: Niroloez",
        b"solid Niroloez_Eman_UpperJaw",
        b"numpy-stl (3.0.0) 2026-01-05 14:46:07 Niroloez.stl",
        b"COLOR=Niroloez",
        b"COLOR=\x10\x20\x30\xff,MATERIAL=Niroloez Ema",
        b"N" * 80,
    ],
)
def test_the_header_is_gone_and_the_triangles_are_the_same(header: bytes) -> None:
    before = binary_stl(header)
    after = cleaned(before, Kind.STL).data
    assert _NAME not in after
    assert after[:80] == bytes(80)
    assert after[80:] == before[80:]


def test_bytes_behind_the_last_triangle_are_gone() -> None:
    before = binary_stl(tail=b"Patient: Niroloez")
    after = cleaned(before, Kind.STL)
    assert after.data == before[: 84 + 200]
    assert "trailing bytes" in after.places


def test_attribute_words_without_a_convention_read_zero() -> None:
    before = binary_stl(b"scanner", _WORDS, b"tail")
    after = cleaned(before, Kind.STL)
    assert _words(after.data) == [0, 0, 0, 0]
    assert _geometry(after.data) == _geometry(before)
    assert "attribute words" in after.places


def test_colours_by_the_marker_of_magics_stay_with_their_marker() -> None:
    marker = b"COLOR=\xc8\xb4\xa0\xff"
    before = binary_stl(b"Niroloez " + marker + b" Eman", _WORDS)
    after = cleaned(before, Kind.STL).data
    assert after[:80] == marker.ljust(80, b"\0")
    assert _words(after) == list(_WORDS)


def test_the_material_of_magics_stays_when_it_is_colours() -> None:
    marker = b"COLOR=\xc8\xb4\xa0\xff,MATERIAL=" + b"\x10\x20\x30\xff" * 3
    assert cleaned(binary_stl(marker + b"Niroloez", _WORDS), Kind.STL).data[:80] == marker.ljust(80, b"\0")


def test_colours_by_the_bit_of_viscam_stay() -> None:
    words = (0x8000 | 0x1F, 0, 0xFFFF, 0x8421)
    assert _words(cleaned(binary_stl(b"x", words), Kind.STL).data) == list(words)


@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_that_spell_a_term_read_zero(order: str) -> None:
    before = binary_stl(b"COLOR=\xc8\xb4\xa0\xff", struct.unpack(f"{order}4H", _NAME))
    own = frozenset({Term("niroloez", TermKind.NAME)})
    other = frozenset({Term("somebody", TermKind.NAME)})
    assert _words(cleaned(before, Kind.STL, context(terms=own)).data) == [0, 0, 0, 0]
    assert _words(cleaned(before, Kind.STL, context(terms=other)).data) == _words(before)


def test_a_blanked_surface_streams_the_same_in_any_chunks() -> None:
    source = BytesReader(binary_stl(b"x", _WORDS, copies=300))
    segments = clean(source, context()).segments
    whole = b"".join(stream(segments, source))
    for chunk in (1, 7, 49, 50, 51, 4096):
        assert b"".join(stream(segments, source, chunk)) == whole


@pytest.mark.parametrize(
    "layer", [Blanked(0, 999, 0, 50, 2), Blanked(5, 3, 0, 50, 2), Blanked(0, 9, 49, 50, 2), Blanked(0, 9, 0, 0, 0)]
)
def test_a_layer_that_names_what_is_not_there_is_refused(layer: Blanked) -> None:
    with pytest.raises(Undecodable):
        through(BytesReader(bytes(100)), (layer,))


def test_a_large_surface_is_two_segments() -> None:
    source = BytesReader(binary_stl(b"x", _WORDS, copies=50_000))
    segments = clean(source, context()).segments
    assert len(segments) == 2
    assert isinstance(segments[1], Range)


def test_coordinates_that_are_no_numbers_are_reported_and_left() -> None:
    before = bytearray(binary_stl())
    struct.pack_into("<f", before, 84 + 50 + 12, float("nan"))
    after = cleaned(bytes(before), Kind.STL)
    assert after.data == bytes(before)
    assert "coordinates" in after.places


def test_numpy_stl_and_trimesh_read_the_same_mesh_back() -> None:
    before = binary_stl(b"solid Niroloez", _WORDS, b"tail")
    after = cleaned(before, Kind.STL).data
    assert np.array_equal(_read_back(after).vectors, _read_back(before).vectors)
    mesh: Any = trimesh.load(io.BytesIO(after), file_type="stl", process=False)
    assert mesh.is_watertight or len(mesh.faces) == len(TETRAHEDRON)


def test_the_report_counts_the_triangles() -> None:
    assert "4 triangles" in cleaned(binary_stl(), Kind.STL).places


@pytest.mark.parametrize("path", ["featuretype.STL", "teapot.stl"])
def test_real_surfaces_keep_their_geometry(path: str) -> None:
    before = Path(shared(f"data/trimesh-models/{path}")).read_bytes()
    after = cleaned(before, Kind.STL).data
    assert _geometry(after) == _geometry(before)
    assert np.array_equal(_read_back(after).vectors, _read_back(before).vectors)


def test_a_truncated_surface_is_held() -> None:
    with pytest.raises(Undecodable, match="stl-truncated"):
        cleaned(binary_stl(copies=9)[:-1], Kind.STL)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(0, 255), st.integers(0, 900))
def test_damage_is_cleaned_or_held(at: int, value: int, cut: int) -> None:
    data = bytearray(binary_stl(b"Niroloez", _WORDS, b"Niroloez", copies=4))
    data[at % len(data)] = value
    _cleaned_or_held(bytes(data[: len(data) - cut]))
    text = bytearray(ascii_solid(b"Niroloez") * 2)
    text[at % len(text)] = value
    _cleaned_or_held(bytes(text[: len(text) - cut]))


def _cleaned_or_held(data: bytes) -> None:
    after, held = cleaned_or_held(data, Kind.STL)
    assert _NAME not in after
    assert len(after) <= len(data) + 32
    assert _NAME.decode() not in held


def test_a_surface_cleans_the_same_through_a_deflated_member() -> None:
    plain = binary_stl(b"x", _WORDS, b"tail", copies=2000)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(plain) + packer.flush()
    source = InflatedReader(BytesReader(packed), Inflated(0, len(packed), len(plain)))
    assert b"".join(stream(clean(source, context()).segments, source)) == cleaned(plain, Kind.STL).data
