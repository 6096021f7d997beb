"""Read data elements from a reader, one header at a time (PS3.5 section 7).

Nothing is trusted: lengths are checked against what is there, values are read only when asked for,
and steps over what will be dropped are bounded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.errors import Undecodable
from pipelines.reader import Reader

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
MAX_DEPTH = 16
MAX_ELEMENTS = 1_000_000

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
SHORT_VRS = frozenset(
    {
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "SL",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "US",
    }
)
_VRS = {vr.encode(): vr for vr in LONG_VRS | SHORT_VRS}
_WINDOW, _LONGEST_HEADER = 1 << 16, 12


@dataclass(frozen=True, slots=True)
class Encoding:
    """How element headers are written: with their VR or without, low byte first or last."""

    explicit: bool
    little: bool


IMPLICIT = Encoding(explicit=False, little=True)
EXPLICIT = Encoding(explicit=True, little=True)
BIG = Encoding(explicit=True, little=False)

_TAG = {True: struct.Struct("<HHI"), False: struct.Struct(">HHI")}
_SHORT = {True: struct.Struct("<H"), False: struct.Struct(">H")}
_LONG = {True: struct.Struct("<I"), False: struct.Struct(">I")}


class Element(NamedTuple):
    """A header: `vr` is empty where the encoding has none; the value lies at `start`."""

    tag: int
    vr: str
    length: int
    start: int


class Source:
    """A reader behind a window, for a parser that goes forward in small steps."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.size = reader.size
        self._at, self._window = 0, b""
        self._left = MAX_ELEMENTS

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, or raise `Undecodable`."""
        begin = offset - self._at
        if begin < 0 or begin + length > len(self._window):
            if offset + length > self.size:
                raise Undecodable("dicom-truncated")
            if length > _WINDOW:
                return self._exactly(offset, length)
            self._window = self._exactly(offset, min(_WINDOW, self.size - offset))
            self._at, begin = offset, 0
        return self._window[begin : begin + length]

    def element(self, offset: int, encoding: Encoding) -> Element:
        """Return the element header at `offset`; its value may still reach too far."""
        self._left -= 1
        if self._left < 0:
            raise Undecodable("dicom-limit")
        at = offset - self._at
        if at < 0 or at + _LONGEST_HEADER > len(self._window):
            at = self._moved(offset)
        window, little = self._window, encoding.little
        group, number, length = _TAG[little].unpack_from(window, at)
        tag = group << 16 | number
        if not encoding.explicit or group == 0xFFFE:
            return Element(tag, "", length, offset + 8)
        vr = _VRS.get(window[at + 4 : at + 6])
        if vr is None:
            raise Undecodable("dicom-vr-unknown", place(tag))
        if vr in LONG_VRS:
            return Element(tag, vr, _LONG[little].unpack(self.read(offset + 8, 4))[0], offset + 12)
        return Element(tag, vr, _SHORT[little].unpack_from(window, at + 6)[0], offset + 8)

    def _moved(self, offset: int) -> int:
        """Let the window begin at `offset`, with a header in it; return where it begins."""
        self.read(offset, 8)
        at = offset - self._at
        if at + _LONGEST_HEADER > len(self._window):
            self._window = self._exactly(offset, min(_WINDOW, self.size - offset))
            self._at, at = offset, 0
        return at

    def encoding_at(self, offset: int, expected: Encoding) -> Encoding:
        """Return how the data set at `offset` is written, which writers sometimes state wrongly."""
        if offset + 8 > self.size:
            return expected
        head = self.read(offset, 8)
        if head[:2] in (b"\xfe\xff", b"\xff\xfe"):
            return expected
        explicit = head[4:6] in _VRS
        return expected if explicit == expected.explicit else Encoding(explicit, expected.little)

    def _exactly(self, offset: int, length: int) -> bytes:
        data = self._reader.read(offset, length)
        if len(data) != length:
            raise Undecodable("dicom-truncated")
        return data


def place(tag: int) -> str:
    """Return a tag as the standard writes it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def end_of(element: Element, limit: int) -> int:
    """Return where the value of defined length ends, which must be within `limit`."""
    end = element.start + element.length
    if end > limit:
        raise Undecodable("dicom-truncated", place(element.tag))
    return end


def skipped(source: Source, element: Element, encoding: Encoding, limit: int, depth: int) -> int:
    """Return where the element ends, having looked only at what lengths are undefined."""
    if element.length != UNDEFINED:
        return end_of(element, limit)
    if depth > MAX_DEPTH:
        raise Undecodable("dicom-depth", place(element.tag))
    at = element.start
    while True:
        item = source.element(at, encoding)
        if item.tag == SEQUENCE_END:
            return item.start
        if item.tag != ITEM:
            raise Undecodable("dicom-sequence", place(element.tag))
        if item.length == UNDEFINED:
            at = _end_of_item(source, item.start, inside(source, item.start, element.vr, encoding), limit, depth)
        else:
            at = end_of(item, limit)


def inside(source: Source, offset: int, vr: str, encoding: Encoding) -> Encoding:
    """Return how an item's data set is written: an UN of undefined length is implicit (PS3.5 6.2.2)."""
    return source.encoding_at(offset, IMPLICIT if vr == "UN" else encoding)


def _end_of_item(source: Source, at: int, encoding: Encoding, limit: int, depth: int) -> int:
    while True:
        element = source.element(at, encoding)
        if element.tag == ITEM_END:
            return element.start
        at = skipped(source, element, encoding, limit, depth + 1)
