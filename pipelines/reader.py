"""Readers: random access to bytes that never need to be in memory at once.

The pipeline sees an upload through a reader, and an archive member or a deflated data set through
layers on top of it. A layer is data, so the process that serves the bytes can rebuild the same view.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.errors import Undecodable

_CHUNK = 1 << 16
_SPACING = 4 << 20
_PLACES = 64
_VIEWS = 32


class Reader(Protocol):
    """Read-only bytes of a known size."""

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset`, `length` of them; fewer only where the source ends."""
        ...


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes `start` to `stop` of the layer below: a stored archive member."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Inflated:
    """The deflate stream (RFC 1951) in `start` to `stop` of the layer below, `size` bytes inflated."""

    start: int
    stop: int
    size: int


@dataclass(frozen=True, slots=True)
class Blanked:
    """The bytes `start` to `stop` of the layer below, `width` of every `stride` read as zero.

    The first blank is `first` bytes behind `start`: the attribute words of a binary surface, which are
    too many to be segments of their own.
    """

    start: int
    stop: int
    first: int
    stride: int
    width: int


Layer = Slice | Inflated | Blanked
Layers = tuple[Layer, ...]
"""Outermost first: the first layer reads the upload itself."""


class BytesReader:
    """A reader over bytes that are in memory anyway."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class SliceReader:
    """The window that a `Slice` names."""

    def __init__(self, below: Reader, layer: Slice) -> None:
        if not 0 <= layer.start <= layer.stop <= below.size:
            raise Undecodable("archive-damaged")
        self._below, self._layer = below, layer

    @property
    def size(self) -> int:
        return self._layer.stop - self._layer.start

    def read(self, offset: int, length: int) -> bytes:
        start = self._layer.start + offset
        return self._below.read(start, max(0, min(length, self._layer.stop - start)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an inflation stood: bytes it had given, the next byte it would take, its state."""

    at: int
    next: int
    inflater: zlib._Decompress


class InflatedReader:
    """The stream that an `Inflated` names, inflated forward; going back resumes at the last place kept.

    The last chunk stays in memory, so that a parser's small steps back cost nothing. At most
    `_PLACES` states of some 40 KiB are kept, evenly over the stream.
    """

    def __init__(self, below: Reader, layer: Inflated) -> None:
        if not 0 <= layer.start <= layer.stop <= below.size:
            raise Undecodable("archive-damaged")
        self._below, self._layer = below, layer
        self._spacing = max(_SPACING, layer.size // _PLACES)
        self._places = [_Place(0, layer.start, zlib.decompressobj(-zlib.MAX_WBITS))]
        self._resume(0)

    @property
    def size(self) -> int:
        return self._layer.size

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._layer.size - offset))
        if offset < self._at or offset >= self._places[-1].at > self._at:
            self._resume(offset)
        out = bytearray()
        while len(out) < length:
            want = offset + len(out)
            if want >= self._at + len(self._held):
                self._advance()
                continue
            begin = want - self._at
            out += self._held[begin : begin + length - len(out)]
        return bytes(out)

    def _resume(self, offset: int) -> None:
        place = self._places[bisect_right(self._places, offset, key=lambda place: place.at) - 1]
        self._inflater, self._next = place.inflater.copy(), place.next
        self._at, self._held = place.at, b""

    def _advance(self) -> None:
        """Replace the held chunk by the one after it."""
        pending = self._inflater.unconsumed_tail
        if not pending:
            pending = self._below.read(self._next, min(_CHUNK, self._layer.stop - self._next))
            self._next += len(pending)
        try:
            chunk = self._inflater.decompress(pending, _CHUNK)
        except zlib.error:
            raise Undecodable("deflate-damaged") from None
        if not chunk and not pending:
            raise Undecodable("deflate-damaged")
        self._at += len(self._held)
        self._held = chunk
        self._keep_place(self._at + len(chunk))

    def _keep_place(self, at: int) -> None:
        # With input waiting inside it, a state could not be resumed from `_next` alone.
        if at >= self._places[-1].at + self._spacing and not self._inflater.unconsumed_tail:
            self._places.append(_Place(at, self._next, self._inflater.copy()))


class BlankedReader:
    """The window that a `Blanked` names."""

    def __init__(self, below: Reader, layer: Blanked) -> None:
        if not 0 <= layer.first < layer.first + layer.width <= layer.stride:
            raise Undecodable("source-truncated")
        self._below = SliceReader(below, Slice(layer.start, layer.stop))
        self._layer = layer

    @property
    def size(self) -> int:
        return self._below.size

    def read(self, offset: int, length: int) -> bytes:
        data = bytearray(self._below.read(offset, length))
        for column in range(self._layer.first, self._layer.first + self._layer.width):
            begin = (column - offset) % self._layer.stride
            count = len(range(begin, len(data), self._layer.stride))
            data[begin :: self._layer.stride] = bytes(count)
        return bytes(data)


def through(reader: Reader, layers: Sequence[Layer]) -> Reader:
    """Return `reader` as seen through `layers`, the outermost first."""
    for layer in layers:
        reader = _view(reader, layer)
    return reader


class Views:
    """The layers over one reader, each opened once: what lies in an archive in an archive shares the way."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._open: OrderedDict[Layers, Reader] = OrderedDict()

    def through(self, layers: Layers) -> Reader:
        """Return the reader as seen through `layers`, the outermost first."""
        if not layers:
            return self._reader
        if layers not in self._open:
            self._open[layers] = _view(self.through(layers[:-1]), layers[-1])
            if len(self._open) > _VIEWS:
                self._open.popitem(last=False)
        for depth in range(1, len(layers) + 1):
            if layers[:depth] in self._open:
                self._open.move_to_end(layers[:depth])
        return self._open[layers]


def _view(below: Reader, layer: Layer) -> Reader:
    if isinstance(layer, Slice):
        return SliceReader(below, layer)
    if isinstance(layer, Blanked):
        return BlankedReader(below, layer)
    return InflatedReader(below, layer)
