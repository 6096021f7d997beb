"""Readers: random access to bytes that never need to be in memory at once.

The pipeline sees an upload through a reader, and an archive member or a deflated data set through
layers on top of it. A layer is data, so the process that serves the bytes can rebuild the same view.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.errors import Undecodable

_CHUNK = 1 << 16


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


Layer = Slice | Inflated
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


class InflatedReader:
    """The stream that an `Inflated` names, inflated forward; going back starts again from its head.

    The last chunk stays in memory, so that a parser's small steps back cost nothing.
    """

    def __init__(self, below: Reader, layer: Inflated) -> None:
        if not 0 <= layer.start <= layer.stop <= below.size:
            raise Undecodable("archive-damaged")
        self._below, self._layer = below, layer
        self._restart()

    @property
    def size(self) -> int:
        return self._layer.size

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._layer.size - offset))
        if offset < self._at:
            self._restart()
        out = bytearray()
        while len(out) < length:
            want = offset + len(out)
            if want >= self._at + len(self._held):
                self._advance()
                continue
            begin = want - self._at
            out += self._held[begin : begin + length - len(out)]
        return bytes(out)

    def _restart(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._next = self._layer.start
        self._at, self._held = 0, b""

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


def through(reader: Reader, layers: Sequence[Layer]) -> Reader:
    """Return `reader` as seen through `layers`, the outermost first."""
    for layer in layers:
        reader = SliceReader(reader, layer) if isinstance(layer, Slice) else InflatedReader(reader, layer)
    return reader
