"""Write data elements into segments: what is new as literals, what stays as ranges of the source."""

from __future__ import annotations

import struct

from pipelines.dicom.elements import ITEM, ITEM_END, LONG_VRS, SEQUENCE_END, UNDEFINED, Encoding
from pipelines.reader import Layers
from pipelines.segments import Literal, Range, Segment

_SHORTEST_RANGE = 1 << 12
_LONGEST_SHORT = 0xFFFF


class Writer:
    """Segments in the order in which they are written; sequences have undefined lengths."""

    def __init__(self, encoding: Encoding, layers: Layers) -> None:
        self.encoding = encoding
        self._layers = layers
        self._buffer = bytearray()
        self._segments: list[Segment] = []
        order = "<" if encoding.little else ">"
        self._implicit = struct.Struct(order + "HHI").pack
        self._short = struct.Struct(order + "HH2sH").pack
        self._long = struct.Struct(order + "HH2sHI").pack

    def header(self, tag: int, vr: str, length: int) -> None:
        """Write an element's header; a value too long for its VR becomes UN (PS3.5 6.2.2)."""
        group, number = tag >> 16, tag & 0xFFFF
        if not self.encoding.explicit or group == 0xFFFE:
            self._buffer += self._implicit(group, number, length)
        elif vr in LONG_VRS:
            self._buffer += self._long(group, number, vr.encode(), 0, length)
        elif length > _LONGEST_SHORT:
            self._buffer += self._long(group, number, b"UN", 0, length)
        else:
            self._buffer += self._short(group, number, vr.encode(), length)

    def element(self, tag: int, vr: str, value: bytes) -> None:
        """Write an element with a value of even length."""
        self.header(tag, vr, len(value))
        self._buffer += value

    def open_sequence(self, tag: int, vr: str = "SQ") -> None:
        """Begin a sequence, or fragments when `vr` is not SQ."""
        self.header(tag, vr, UNDEFINED)

    def close_sequence(self) -> None:
        """End what `open_sequence` began."""
        self._buffer += self._implicit(SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)

    def open_item(self) -> None:
        """Begin an item."""
        self._buffer += self._implicit(ITEM >> 16, ITEM & 0xFFFF, UNDEFINED)

    def close_item(self) -> None:
        """End an item."""
        self._buffer += self._implicit(ITEM_END >> 16, ITEM_END & 0xFFFF, 0)

    def raw(self, data: bytes) -> None:
        """Write bytes that are encoded already."""
        self._buffer += data

    def range(self, start: int, stop: int) -> None:
        """Let the source's bytes follow, without reading them."""
        if stop > start:
            self._flush()
            self._segments.append(Range(start, stop, self._layers))

    def segments(self) -> tuple[Segment, ...]:
        """Return everything written so far."""
        self._flush()
        return tuple(self._segments)

    def _flush(self) -> None:
        if self._buffer:
            self._segments.append(Literal(bytes(self._buffer)))
            self._buffer.clear()


def worth_a_range(length: int) -> bool:
    """Whether a value is long enough to stay in the source instead of being copied."""
    return length >= _SHORTEST_RANGE
