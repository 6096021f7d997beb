"""A term is found inside base64, zlib, gzip and zip, and inside one another."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from itertools import product

import pytest
from leak_files import data_set, dicom, hits, names, with_private_bytes
from pydicom.uid import DeflatedExplicitVRLittleEndian

from pipelines.errors import Undecodable
from pipelines.kinds import Kind


def _zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
    return out.getvalue()


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "wrapped base64": base64.encodebytes,
    "url safe base64": base64.urlsafe_b64encode,
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "zip": _zip,
}
_TEXT = b"some words before, then Mustermann, and many more words after it, after it, after it"


@pytest.mark.parametrize("name", _PACKERS)
@pytest.mark.parametrize("before", range(4))
def test_a_packed_name_is_found_wherever_the_packing_begins(name: str, before: int) -> None:
    data = with_private_bytes(b"x" * before + _PACKERS[name](_TEXT))
    found = hits(data, Kind.DICOM, names("mustermann"))
    assert [hit.where for hit in found] == ["(0029,1001), packed"]
    assert not hits(data, Kind.DICOM, names("beispiel"))


@pytest.mark.parametrize("order", [*product(("base64", "zlib", "zip"), repeat=3)], ids=" in ".join)
def test_three_packings_inside_one_another_are_opened(order: tuple[str, ...]) -> None:
    data = _TEXT
    for name in order:
        data = _PACKERS[name](data)
    assert hits(with_private_bytes(data), Kind.DICOM, names("mustermann"))


def test_base64_of_utf_16_is_read() -> None:
    data = base64.b64encode("<Patient>Mustermann</Patient>".encode("utf-16"))
    assert hits(with_private_bytes(data), Kind.DICOM, names("mustermann"))


def test_a_stream_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    data = zlib.compress(_TEXT + bytes(range(256)) * 9)[:-40]
    assert hits(with_private_bytes(data), Kind.DICOM, names("mustermann"))


def test_a_stream_longer_than_a_window_is_read_to_its_end() -> None:
    noise = b"".join(hashlib.sha256(bytes((index & 255, index >> 8))).digest() for index in range(20_000))
    data = with_private_bytes(zlib.compress(noise + b"Mustermann", 1))
    assert len(data) > 1 << 18
    assert hits(data, Kind.DICOM, names("mustermann"))


def test_more_than_a_search_can_look_at_is_no_clean_output() -> None:
    data = with_private_bytes(zlib.compress(bytes(1 << 26)))
    with pytest.raises(Undecodable) as caught:
        hits(data, Kind.DICOM, names("mustermann"))
    assert caught.value.code == "search-limit"


def test_a_deflated_data_set_is_searched() -> None:
    ds = data_set()
    ds.ImageComments = "for Mustermann"
    data = dicom(ds, DeflatedExplicitVRLittleEndian)
    assert b"Mustermann" not in data
    assert hits(data, Kind.DICOM, names("mustermann"))
