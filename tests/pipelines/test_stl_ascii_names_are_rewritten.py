"""The names of an ASCII surface are gone, its facets are the same bytes, and anything else is refused."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
import stl
from recipes import ascii_solid, cleaned

from pipelines import Kind, Undecodable
from pipelines.reader import BytesReader
from pipelines.segments import Range
from pipelines.surface_text import clean


def _facets(data: bytes) -> bytes:
    return b"".join(re.findall(rb"facet normal.*?endfacet", data, re.DOTALL))


def _read_back(data: bytes) -> Any:
    return stl.Mesh.from_file("x.stl", fh=io.BytesIO(data))


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", [b"Niroloez Eman", b"Patient: Niroloez facet normal", b"\xc0\xe1 Niroloez", b""])
def test_a_name_is_gone_and_the_facets_are_the_same(name: bytes, newline: bytes) -> None:
    before = ascii_solid(name, newline=newline)
    after = cleaned(before, Kind.STL).data
    assert b"Niroloez" not in after
    assert after.startswith(b"solid 1\n")
    assert after.endswith(b"endsolid 1\n")
    assert _facets(after) == _facets(before[before.index(newline) :])


def test_every_solid_of_several_is_renamed() -> None:
    before = ascii_solid(b"Niroloez upper") + b"\n" + ascii_solid(b"Niroloez lower", b"Eman")
    after = cleaned(before, Kind.STL)
    assert b"Niroloez" not in after.data
    assert b"Eman" not in after.data
    assert after.data.count(b"endsolid") == 2
    assert _facets(after.data) == _facets(before)
    assert "solid 2, 4 triangles" in after.places


def test_numpy_stl_reads_the_same_mesh_back() -> None:
    before = ascii_solid(b"Niroloez")
    vectors = _read_back(cleaned(before, Kind.STL).data).vectors
    assert np.array_equal(vectors, _read_back(before).vectors)


def test_capitals_and_odd_numbers_are_geometry_too() -> None:
    before = ascii_solid(b"x").replace(b"facet", b"FACET").replace(b"9.500000e+00", b"+9.5")
    odd = before.replace(b"-1.000000e+00", b"-1.#IND", 1).replace(b"7.125000e+00", b"nan", 1)
    assert b"-1.#IND" in cleaned(odd, Kind.STL).data


def test_a_large_surface_is_a_handful_of_segments() -> None:
    facets = ascii_solid(b"x").split(b"\n", 1)[1].rsplit(b"endsolid", 1)[0]
    source = BytesReader(b"solid x\n" + facets * 3000 + b"endsolid x\n")
    result = clean(source)
    assert sum(isinstance(segment, Range) for segment in result.segments) == 1
    assert result.findings[0].where == "solid 1, 12000 triangles"


def test_text_behind_the_last_solid_is_gone() -> None:
    after = cleaned(ascii_solid(b"x") + b"Patient: Niroloez\n" * 2000, Kind.STL)
    assert b"Niroloez" not in after.data
    assert "trailing bytes" in after.places


@pytest.mark.parametrize(
    "damage",
    [
        (b"  outer loop", b"  ; Patient: Niroloez\n  outer loop"),
        (b"endfacet", b"endfacet Niroloez"),
        (b"vertex", b"vertex Niroloez"),
        (b"7.125000e+00", b"7.125000e+00" + b"1" * 50),
        (b"endloop", b""),
    ],
)
def test_what_is_not_geometry_is_refused(damage: tuple[bytes, bytes]) -> None:
    with pytest.raises(Undecodable, match="stl-ascii-damaged") as caught:
        cleaned(ascii_solid(b"x").replace(*damage, 1), Kind.STL)
    assert "Niroloez" not in str(caught.value)


def test_a_surface_without_its_end_is_refused() -> None:
    with pytest.raises(Undecodable, match="stl-ascii-damaged"):
        cleaned(ascii_solid(b"x").rsplit(b"endsolid", 1)[0], Kind.STL)


def test_a_comment_between_solids_does_not_lose_the_second() -> None:
    with pytest.raises(Undecodable, match="stl-ascii-damaged"):
        cleaned(ascii_solid(b"x") + b"# Niroloez\n" + ascii_solid(b"y"), Kind.STL)


def test_a_solid_of_no_triangles_is_refused() -> None:
    with pytest.raises(Undecodable, match="stl-empty"):
        cleaned(b"solid x\nendsolid x\n", Kind.STL)
