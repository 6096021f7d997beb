"""Picture and shape are never read by the search of a data set, however large they are."""

from __future__ import annotations

import struct

import pytest
from leak_files import data_set, dicom, jpeg, names
from pydicom.uid import JPEGBaseline8Bit

from pipelines.kinds import Kind
from pipelines.leaks import search

_GIGABYTE = 1 << 30


class _Sparse:
    """A head, a repeated body up to a size, a tail; it counts what is read of it."""

    def __init__(self, head: bytes, body: bytes, repeated: int, tail: bytes) -> None:
        self._head, self._body, self._tail = head, body, tail
        self._end = len(head) + len(body) * repeated
        self.size = self._end + len(tail)
        self.count = 0

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        self.count += length
        out = bytearray()
        while len(out) < length:
            out += self._piece(offset + len(out), length - len(out))
        return bytes(out)

    def _piece(self, at: int, length: int) -> bytes:
        if at < len(self._head):
            return self._head[at : at + length]
        if at >= self._end:
            return self._tail[at - self._end : at - self._end + length]
        begin = (at - len(self._head)) % len(self._body)
        return self._body[begin : begin + min(length, self._end - at)]


@pytest.mark.parametrize("tail", [b"", b"Mustermann"])
def test_a_gigabyte_of_native_pixels_is_not_read(tail: bytes) -> None:
    ds = data_set()
    ds.Rows = ds.Columns = 1024
    ds.NumberOfFrames = _GIGABYTE // (2 * 1024 * 1024)
    head = dicom(ds)[: -32 - 4] + struct.pack("<I", _GIGABYTE)
    sparse = _Sparse(head, bytes(1 << 16), _GIGABYTE >> 16, tail)
    assert bool(search(sparse, Kind.DICOM, names("mustermann"))) is bool(tail)
    assert sparse.count < 1 << 20


def test_coded_data_of_many_frames_is_not_read() -> None:
    frame = jpeg() + bytes(1 << 20)
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame
    ds = data_set(pixels=struct.pack("<HHI", 0xFFFE, 0xE000, 0))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    whole = dicom(ds, JPEGBaseline8Bit)
    edge = len(whole) - 8
    sparse = _Sparse(whole[:edge], fragment, 100, whole[edge:] + b"Mustermann")
    assert search(sparse, Kind.DICOM, names("mustermann"))
    assert sparse.count < 100 * (1 << 18)
