"""Find many byte strings in one pass.

One pattern over the first five bytes of every needle finds candidates, a table of the needles behind
that prefix decides. Numbers that are too short to be telling count only where no digit touches them,
and UIDs are looked up whole, so that a thousand of them cost as much as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_PREFIX = 5
_TELLING_DIGITS = 8
_UID = re.compile(rb"[0-9]+(?:\.[0-9]+){2,}")
_NUMERIC = re.compile(rb"[0-9][0-9 :./-]*")
_GAP = rb"[ ()./-]{0,2}"


class Found(NamedTuple):
    """Where a needle lies in the bytes that were searched."""

    start: int
    stop: int
    kind: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes to find, in ASCII lower case, and what they are."""

    data: bytes = field(repr=False)
    kind: str

    @property
    def numeric(self) -> bool:
        """Whether the needle is a number or a date in digits."""
        return _NUMERIC.fullmatch(self.data) is not None


class Needles:
    """A set of needles, UIDs and telephone numbers (digits only), compiled once for many searches."""

    def __init__(
        self, needles: Iterable[Needle], uids: dict[bytes, str] | None = None, phones: Iterable[Needle] = ()
    ) -> None:
        self._buckets: dict[bytes, list[Needle]] = {}
        for needle in set(needles):
            self._buckets.setdefault(needle.data[:_PREFIX], []).append(needle)
        self._prefix = re.compile(_trie(self._buckets)) if self._buckets else None
        self._uids = uids or {}
        self._phones = [(re.compile(_spread(phone.data)), phone.kind) for phone in set(phones)]

    def find(self, view: bytes) -> Iterator[Found]:
        """Yield what lies in `view`, which is in ASCII lower case already."""
        yield from self._strings(view)
        if self._uids:
            yield from self._whole_uids(view)
        for pattern, kind in self._phones:
            for match in pattern.finditer(view):
                yield Found(match.start(), match.end(), kind, True)

    def _strings(self, view: bytes) -> Iterator[Found]:
        if self._prefix is None:
            return
        match = self._prefix.search(view)
        while match:
            at = match.start()
            for needle in self._buckets[match.group()]:
                stop = at + len(needle.data)
                if view.startswith(needle.data, at) and not (needle.numeric and _torn(view, at, stop)):
                    yield Found(at, stop, needle.kind, needle.numeric)
            match = self._prefix.search(view, at + 1)

    def _whole_uids(self, view: bytes) -> Iterator[Found]:
        """A longer UID that grows out of a known one, by components, counts as the known one."""
        for match in _UID.finditer(view):
            token = match.group()
            while token.count(b".") >= 2:
                kind = self._uids.get(token)
                if kind is not None:
                    yield Found(match.start(), match.start() + len(token), kind, True)
                    break
                token = token.rpartition(b".")[0]


def _torn(view: bytes, start: int, stop: int) -> bool:
    """Whether a short number is only a part of a longer one; leading zeros do not make it another."""
    if stop - start >= _TELLING_DIGITS and view[start:stop].isdigit():
        return False
    if view[stop : stop + 1].isdigit():
        return True
    while view[start - 1 : start] == b"0":
        start -= 1
    return view[max(0, start - 1) : start].isdigit()


def _spread(digits: bytes) -> bytes:
    return _GAP.join(bytes([digit]) for digit in digits) + rb"(?![0-9])"


def _trie(prefixes: Iterable[bytes]) -> bytes:
    """Return a pattern that shares the heads of `prefixes`, which all have one length."""
    heads: dict[int, list[bytes]] = {}
    for prefix in prefixes:
        heads.setdefault(prefix[0], []).append(prefix[1:])
    branches = [re.escape(bytes([head])) + (_trie(tails) if tails[0] else b"") for head, tails in sorted(heads.items())]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
