"""The independent search of an output for the case's own identifiers.

It knows no rule of the profile. It reads what a pipeline wrote with its own walker and searches every
byte that is not picture or shape; whatever it finds holds the transfer.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag

from pipelines.generated import Exempt, Generated
from pipelines.kinds import Kind
from pipelines.needles import Found
from pipelines.outlines import fields_of_picture, fields_of_shape, loose_bytes
from pipelines.places import Field, fields_of_dicom
from pipelines.reader import BytesReader, Reader
from pipelines.readings import FORMATTED, TEXT, is_plain, is_printable, texts
from pipelines.terms import Compiled, Term, TermKind, Terms, compiled, fold, spoken
from pipelines.unpack import Budget, contents, inflated

_WINDOW = 1 << 18
_OVERLAP = 1 << 12
_WIDE = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\0){4,}[\x20-\x7e\xa0-\xff]")
_SMALL = 1 << 12
_MOST = 50


__all__ = ["Generated", "Hit", "search"]


@dataclass(frozen=True, slots=True)
class Hit:
    """An identifier that is still there: a place and the kind of the term, never the term."""

    where: str
    kind: TermKind


def search(
    output: Reader,
    kind: Kind,
    terms: Iterable[Term],
    generated: Generated = Generated(),  # noqa: B008 - frozen
    kept: frozenset[TermKind] = frozenset(),
) -> tuple[Hit, ...]:
    """Return where `output` still holds one of `terms`, but those of the kinds that the profile keeps.

    A text that is no scan, a prescription or a README, is searched whole as `Kind.UNKNOWN`. Raises
    `Undecodable` when more is packed into the output than a search can look at.
    """
    ready = compiled(_removed(frozenset(terms), kept))
    reader = inflated(output) if kind is Kind.DICOM else output
    found = _Search(reader, ready, generated)
    for region in _regions(_fields(reader, kind), reader.size):
        found.region(region)
    for place, data in loose_bytes(reader) if kind is Kind.STL else ():
        found.loose(place, data)
    return tuple(found.hits)[:_MOST]


@lru_cache(maxsize=8)
def _removed(terms: Terms, kept: frozenset[TermKind]) -> Terms:
    return frozenset(term for term in terms if term.kind not in kept) if kept else terms


def _fields(reader: Reader, kind: Kind) -> Iterator[Field]:
    if kind is Kind.DICOM:
        return fields_of_dicom(reader)
    if kind is Kind.IMAGE:
        return fields_of_picture(reader)
    if kind is Kind.STL:
        return fields_of_shape(reader)
    return iter((Field("text", "UT", 0, reader.size),))


class _Region(NamedTuple):
    """Bytes between two payloads, with the values in them; element headers and gaps belong to it."""

    start: int
    stop: int
    fields: list[Field]


def _regions(fields: Iterable[Field], size: int) -> Iterator[_Region]:
    """Yield neighbours together until they fill a window, so that small values cost no read each."""
    start, stop, inside = 0, 0, list[Field]()
    for value in fields:
        if value.payload or value.stop - start > _WINDOW:
            edge = value.start if value.payload else stop
            if edge > start:
                yield _Region(start, edge, inside)
            start, inside = max(start, value.stop if value.payload else stop), []
        stop = max(stop, value.stop)
        if not value.payload:
            inside.append(value)
    if size > start:
        yield _Region(start, size, inside)


class _Search:
    """The hits of one output, in the order they were found."""

    def __init__(self, reader: Reader, ready: Compiled, generated: Generated) -> None:
        self._reader, self._ready, self._exempt = reader, ready, Exempt(generated)
        self._budget = Budget()
        self.hits: dict[Hit, None] = {}

    def region(self, region: _Region) -> None:
        """Search `region` in windows that overlap by more than a term is long."""
        for at in range(region.start, region.stop, _WINDOW):
            head, tail = max(region.start, at - _OVERLAP), min(region.stop, at + _WINDOW)
            inside = [value for value in region.fields if value.start < tail and value.stop > head]
            data = self._reader.read(head, tail - head)
            if not data.strip(b"\0"):
                continue
            window = _Window(head, data, inside, head == region.start, tail == region.stop)
            self._window(window, self._reader)

    def loose(self, place: str, data: bytes) -> None:
        """Search bytes that were gathered from many places of the output."""
        self._window(_Window(0, data, [Field(place, "UT", 0, len(data))], True, True), BytesReader(data))

    def _window(self, window: _Window, reader: Reader) -> None:
        for found in self._anywhere(window.data):
            if not window.cuts(found):
                self._judge(found, window)
        self._packed(window, reader)
        self._texts(window)

    def _packed(self, window: _Window, reader: Reader) -> None:
        """Search what is packed into the window, small pieces together."""
        pieces: list[tuple[int, bytes]] = []
        for at, inner in contents(reader, window.head, window.data, self._budget):
            pieces.append((at, inner))
            if len(inner) > _SMALL:
                self._pieces(window, pieces)
                pieces = []
        self._pieces(window, pieces)

    def _pieces(self, window: _Window, pieces: list[tuple[int, bytes]]) -> None:
        if next(self._anywhere(b"\n\n".join(inner for _, inner in pieces)), None) is None:
            return
        for at, inner in pieces:
            for found in self._anywhere(inner):
                self._add(f"{_name(window.field_at(at, at))}, packed", found.kind)

    def _texts(self, window: _Window) -> None:
        """Search the texts for short terms, those in plain ASCII together until one of them has one."""
        plain: list[tuple[Field, str]] = []
        for value in window.fields:
            if value.vr not in TEXT:
                continue
            data = window.data[max(value.start - window.head, 0) : value.stop - window.head]
            if is_plain(data) and b"\\u" not in data:
                plain.append((value, data.decode().lower()))
            elif value.vr != "UN" or is_printable(data):
                self._words(value, data)
        short = self._ready.short
        if short and short.search("\n".join(text for _, text in plain)):
            for value, text in plain:
                self._spelling(value, text)

    def _anywhere(self, data: bytes) -> Iterator[Found]:
        """Yield long terms in any bytes; UTF-16 of Latin letters is narrowed first."""
        yield from self._ready.long.find(data.lower())
        for run in _WIDE.finditer(data):
            for found in self._ready.long.find(run.group()[::2].lower()):
                yield found._replace(start=run.start() + 2 * found.start, stop=run.start() + 2 * found.stop)

    def _judge(self, found: Found, window: _Window) -> None:
        start, stop = window.head + found.start, window.head + found.stop
        value = window.field_at(start, stop)
        if value is None:
            self._add(_name(None), found.kind)
            return
        base = max(value.start, window.head)
        data = window.data[base - window.head : value.stop - window.head]
        if not self._exempt.covers(value, data, Found(start - base, stop - base, found.kind, found.numeric)):
            self._add(_name(value), found.kind)

    def _words(self, value: Field, data: bytes) -> None:
        """Search a text whose bytes say more than ASCII, in every reading of it."""
        for text in texts(data, value.charset):
            for spelling in spoken(fold(text)):
                self._spelling(value, spelling)

    def _spelling(self, value: Field, text: str) -> None:
        short = self._ready.short
        for match in short.finditer(text) if short else ():
            word = Found(match.start(), match.end(), self._ready.kinds[match.group()], match.group().isdigit())
            if word.numeric and value.vr in FORMATTED:
                continue
            if not (text.isascii() and self._exempt.covers(value, text.encode(), word)):
                self._add(_name(value), word.kind)
        if not text.isascii():
            for found in self._ready.long.find(text.encode("utf-8", "surrogatepass")):
                self._add(_name(value), found.kind)

    def _add(self, where: str, kind: str) -> None:
        self.hits[Hit(where, TermKind(kind))] = None


class _Window(NamedTuple):
    """Some bytes of the output, the values in them, and whether they begin and end with their region."""

    head: int
    data: bytes
    fields: list[Field]
    first: bool
    last: bool

    def cuts(self, found: Found) -> bool:
        """Whether `found` touches an edge where the next window sees it whole."""
        return (found.start == 0 and not self.first) or (found.stop == len(self.data) and not self.last)

    def field_at(self, start: int, stop: int) -> Field | None:
        """Return the value that holds the bytes `start` to `stop`, if one does."""
        index = bisect_right(self.fields, start, key=lambda value: value.start) - 1
        value = self.fields[index] if index >= 0 else None
        return value if value and start < value.stop and stop <= value.stop else None


def _name(value: Field | None) -> str:
    if value is None:
        return "between values"
    if isinstance(value.place, str):
        return value.place
    tag = f"({value.place >> 16:04X},{value.place & 0xFFFF:04X})"
    return f"{keyword_for_tag(value.place)} {tag}".strip()
