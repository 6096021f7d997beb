"""Segments: what comes out of a pipeline, as a recipe over the source instead of a copy of it.

Pixel and triangle data stay ranges: whoever holds the source streams them, nobody buffers them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pipelines.errors import Undecodable
from pipelines.reader import Layers, Reader, Views


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that the pipeline wrote."""

    data: bytes

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Range:
    """The bytes `start` to `stop` of the source, seen through `layers`, outermost first."""

    start: int
    stop: int
    layers: Layers = ()

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.stop - self.start


Segment = Literal | Range


def total_size(segments: Iterable[Segment]) -> int:
    """Return the number of bytes that `segments` describe."""
    return sum(segment.size for segment in segments)


def stream(segments: Iterable[Segment], source: Reader | Views, chunk: int = 1 << 18) -> Iterator[bytes]:
    """Yield the bytes of `segments` in order, at most `chunk` of the source at a time.

    Raises `Undecodable` when the source has fewer bytes than a range names.
    """
    views = source if isinstance(source, Views) else Views(source)
    for segment in segments:
        if isinstance(segment, Literal):
            yield segment.data
            continue
        view = views.through(segment.layers)
        for offset in range(segment.start, segment.stop, chunk):
            length = min(chunk, segment.stop - offset)
            data = view.read(offset, length)
            if len(data) != length:
                raise Undecodable("source-truncated")
            yield data


class SegmentReader:
    """The output as a reader, so that it can be searched and checked without being written."""

    def __init__(self, segments: Sequence[Segment], source: Reader) -> None:
        self._segments = [segment for segment in segments if segment.size]
        self._views = Views(source)
        self._ends = list(accumulate(segment.size for segment in self._segments))

    @property
    def size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def read(self, offset: int, length: int) -> bytes:
        out = bytearray()
        index = bisect_right(self._ends, offset)
        while len(out) < length and index < len(self._segments):
            segment = self._segments[index]
            skip = offset + len(out) - (self._ends[index] - segment.size)
            take = min(segment.size - skip, length - len(out))
            out += self._part(segment, skip, take)
            index += 1
        return bytes(out)

    def _part(self, segment: Segment, skip: int, take: int) -> bytes:
        if isinstance(segment, Literal):
            return segment.data[skip : skip + take]
        data = self._views.through(segment.layers).read(segment.start + skip, take)
        if len(data) != take:
            raise Undecodable("source-truncated")
        return data
