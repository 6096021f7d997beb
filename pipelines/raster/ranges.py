"""Neighbouring ranges as one, so that an image of a thousand chunks stays a handful of segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.segments import Range


def joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the ranges in order, those that touch merged."""
    last: Range | None = None
    for current in ranges:
        if last is not None and last.stop == current.start:
            last = Range(last.start, current.stop)
            continue
        if last is not None:
            yield last
        last = current
    if last is not None:
        yield last
