"""Where an output holds bytes that are not picture or shape, and what kind of text stands there.

The leak search reads a file with this walker, not with the engine that wrote it. It walks flat, and
what it cannot read it hands over whole, so that a fault in a file widens the search, never narrows it.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from pipelines.reader import Reader

PREAMBLE, UNREAD = "preamble", "bytes outside the data set"
PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_CHARSET, _SYNTAX = 0x00080005, 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_VRS = _LONG_VRS | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNDEFINED = 0xFFFFFFFF
_IMPLICIT, _BIG = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
_IMAGE = {0x00280002: 0, 0x00280008: 1, 0x00280010: 2, 0x00280011: 3, 0x00280100: 4}
_BUFFER = 1 << 16


class Field(NamedTuple):
    """The bytes of one value: `place` is a tag or a name, `payload` that they are picture or shape."""

    place: int | str
    vr: str
    start: int
    stop: int
    charset: bytes = b""
    payload: bool = False


class _Buffer:
    """Small reads of a reader in large steps."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._at, self._data = reader, 0, b""
        self.size = reader.size

    def read(self, offset: int, length: int) -> bytes:
        begin = offset - self._at
        if begin < 0 or begin + length > len(self._data):
            self._at, begin = offset, 0
            self._data = self._reader.read(offset, max(length, _BUFFER))
        return self._data[begin : begin + length]


class _Level(NamedTuple):
    stop: int | None
    implicit: bool
    charset: bytes


class _Header(NamedTuple):
    tag: int
    vr: bytes
    start: int
    length: int


def fields_of_dicom(reader: Reader) -> Iterator[Field]:
    """Yield every value of a DICOM file in order, at all depths, and whatever lies outside of values."""
    return _Walk(_Buffer(reader)).fields()


class _Walk:
    def __init__(self, source: _Buffer) -> None:
        self._source = source
        self._big = False
        self._levels: list[_Level] = []
        self._now = _Level(None, False, b"")
        self._image = [1, 1, 0, 0, 0]

    def fields(self) -> Iterator[Field]:
        at = 0
        if self._source.read(128, 4) == b"DICM":
            yield Field(PREAMBLE, "UN", 0, 132)
            at = 132
        syntax = b""
        while self._source.read(at, 2) == b"\x02\x00":
            header = self._header(at)
            if header is None:
                break
            at = header.start + header.length
            if header.tag == _SYNTAX:
                syntax = self._source.read(header.start, header.length).rstrip(b"\0 ")
            yield Field(header.tag, header.vr.decode(), header.start, at)
        self._begin(at, syntax)
        yield from self._data_set(at)

    def _begin(self, at: int, syntax: bytes) -> None:
        bare = not syntax and self._source.read(at + 4, 2) not in _VRS
        self._big = syntax == _BIG
        self._now = _Level(None, syntax == _IMPLICIT or bare, b"")

    def _data_set(self, at: int) -> Iterator[Field]:
        size = self._source.size
        while at < size:
            self._leave(at)
            header = self._header(at)
            if header is None:
                yield Field(UNREAD, "UN", at, size)
                return
            at = header.start
            if self._enter(header):
                continue
            if header.length == _UNDEFINED:
                at = yield from self._fragments(at)
                continue
            at += header.length
            yield from self._value(header, at)

    def _header(self, at: int) -> _Header | None:
        """Return the element at `at`, or nothing where its length cannot be true."""
        raw = self._source.read(at, 12)
        if len(raw) < 8:
            return None
        order = ">" if self._big else "<"
        group, element = struct.unpack_from(order + "HH", raw)
        tag, vr, start = group << 16 | element, raw[4:6], at + 8
        if group == 0xFFFE or self._now.implicit or vr not in _VRS:
            vr = b"" if group == 0xFFFE else implied_vr(tag).encode()
            (length,) = struct.unpack_from(order + "I", raw, 4)
        elif vr in _LONG_VRS:
            if len(raw) < 12:
                return None
            (length,) = struct.unpack_from(order + "I", raw, 8)
            start += 4
        else:
            (length,) = struct.unpack_from(order + "H", raw, 6)
        true = length == _UNDEFINED or start + length <= self._source.size
        return _Header(tag, vr, start, length) if true else None

    def _enter(self, header: _Header) -> bool:
        """Step into a sequence or an item, or out of one; a delimiter or container has no value itself."""
        if header.tag in (_ITEM_END, _SEQUENCE_END):
            if self._levels:
                self._now = self._levels.pop()
            return True
        undefined = header.length == _UNDEFINED
        if undefined and header.tag in PIXELS:
            return False
        if header.tag != _ITEM and header.vr != b"SQ" and not undefined:
            return False
        self._levels.append(self._now)
        stop = None if undefined else header.start + header.length
        implicit = self._now.implicit or (header.vr == b"UN" and undefined)
        self._now = _Level(stop, implicit, self._now.charset)
        return True

    def _leave(self, at: int) -> None:
        while self._now.stop is not None and self._now.stop <= at and self._levels:
            self._now = self._levels.pop()

    def _value(self, header: _Header, stop: int) -> Iterator[Field]:
        tag, start = header.tag, header.start
        if tag == _CHARSET:
            self._now = self._now._replace(charset=self._source.read(start, header.length))
        if not self._levels and tag in _IMAGE:
            self._image[_IMAGE[tag]] = self._number(header)
        if tag in PIXELS and not self._levels:
            edge = min(stop, start + self._picture(tag))
            yield Field(tag, "OW", start, edge, payload=True)
            start = edge
        if start < stop or tag not in PIXELS:
            yield Field(tag, header.vr.decode(), start, stop, self._now.charset)

    def _number(self, header: _Header) -> int:
        raw = self._source.read(header.start, min(header.length, 12))
        if header.tag == 0x00280008:
            text = raw.split(b"\\")[0].strip(b" \0")
            return int(text) if text.isdigit() else 0
        return int.from_bytes(raw[:2], "big" if self._big else "little")

    def _picture(self, tag: int) -> int:
        """Return how many bytes the image attributes account for; what follows them is no picture."""
        samples, frames, rows, columns, bits = self._image
        bits = {0x7FE00008: 32, 0x7FE00009: 64}.get(tag, bits)
        length = (samples * max(frames, 1) * rows * columns * bits + 7) // 8
        return length + length % 2

    def _fragments(self, at: int) -> Generator[Field, None, int]:
        """Yield the fragments of encapsulated pixels; what stands before their coded data is no picture."""
        table = True
        while True:
            header = self._header(at)
            if header is None or header.tag != _ITEM or header.length == _UNDEFINED:
                ended = header is not None and header.tag == _SEQUENCE_END
                stop = at + 8 if ended else self._source.size
                yield Field(UNREAD, "UN", at, stop)
                return stop
            start, at = header.start, header.start + header.length
            edge = at if table else coded_from(self._source, start, at)
            yield Field(0x7FE00010, "OB", start, edge)
            yield Field(0x7FE00010, "OB", edge, at, payload=True)
            table = False


def coded_from(source: Reader | _Buffer, start: int, stop: int) -> int:
    """Return where the marker segments of a JPEG or JPEG 2000 stream end and its coded data begin."""
    head = source.read(start, 2)
    if head not in (b"\xff\xd8", b"\xff\x4f"):
        return start
    at = start + 2
    while at + 4 <= stop:
        marker = source.read(at, 4)
        if marker[:1] != b"\xff" or marker[1:2] in (b"\x90", b"\xd9"):
            return at
        at += 2 + int.from_bytes(marker[2:4], "big")
        if marker[1:2] == b"\xda":
            return min(at, stop)
    return min(at, stop)


@lru_cache(maxsize=1 << 12)
def implied_vr(tag: int) -> str:
    """Return the VR that the dictionary gives a tag, the first of several; UN where it has none."""
    try:
        return dictionary_VR(tag)[:2]
    except KeyError:
        return "UN"
