"""What is around a data set: preamble, file meta information, transfer syntax, deflate (PS3.10 7.1).

All of it is written anew; only the transfer syntax and the kind of object are taken over.
"""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from pipelines.dicom.elements import BIG, EXPLICIT, IMPLICIT, Encoding, Source, place, skipped
from pipelines.dicom.writer import Writer
from pipelines.errors import Undecodable
from pipelines.reader import Inflated, Layers, Reader, through
from pipelines.segments import Literal, Segment

IMPLEMENTATION_CLASS = "2.25.326531884387746173761635295535487164179"
IMPLEMENTATION_VERSION = "PSEUDODONT_1"

_PREAMBLE, _PREFIX = 128, b"DICM"
_EXPLICIT_LE = "1.2.840.10008.1.2.1"
_CHUNK = 1 << 16
# A deflated data set may grow this many times, or to this size where that is more.
_RATIO, _FLOOR = 200, 1 << 28
_META_CLASS, _META_INSTANCE, _META_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_LONGEST_META = 1 << 16


class Fragments(StrEnum):
    """What the fragments of encapsulated pixel data hold."""

    NONE = ""
    JPEG = "jpeg"
    JPEG2000 = "jpeg2000"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where and how the data set lies; `syntax` and `encoding` are what the output states."""

    start: int
    encoding: Encoding
    syntax: str
    fragments: Fragments
    layers: Layers
    sop_class: str
    sop_instance: str


def opened(reader: Reader) -> tuple[Envelope, Reader]:
    """Return the envelope of a file, and the reader in which its data set lies."""
    source = Source(reader)
    start = _after_prefix(source)
    meta, start = _meta(source, start)
    stated = meta.get(_META_SYNTAX, "")
    if not stated:
        stated = _guessed(source, start)
    if stated not in _syntaxes():
        raise Undecodable("transfer-syntax-unknown", place(_META_SYNTAX))
    kind, fragments = _syntaxes()[stated]
    layers: Layers = ()
    if kind == "deflated":
        layers = (_deflated(reader, start),)
        reader, start, stated, kind = through(reader, layers), 0, _EXPLICIT_LE, "explicit-le"
    encoding = {"implicit-le": IMPLICIT, "explicit-be": BIG}.get(kind, EXPLICIT)
    envelope = Envelope(
        start, encoding, stated, fragments, layers, meta.get(_META_CLASS, ""), meta.get(_META_INSTANCE, "")
    )
    return envelope, reader


def written(syntax: str, sop_class: str, sop_instance: str) -> Segment:
    """Return an empty preamble and the file meta information of what we made (PS3.10 Table 7.1-1)."""
    meta = Writer(EXPLICIT, ())
    meta.element(0x00020001, "OB", b"\0\1")
    if sop_class:
        meta.element(_META_CLASS, "UI", even(sop_class))
    if sop_instance:
        meta.element(_META_INSTANCE, "UI", even(sop_instance))
    meta.element(_META_SYNTAX, "UI", even(syntax))
    meta.element(0x00020012, "UI", even(IMPLEMENTATION_CLASS))
    meta.element(0x00020013, "SH", even(IMPLEMENTATION_VERSION, b" "))
    body = b"".join(part.data for part in meta.segments() if isinstance(part, Literal))
    group = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body))
    return Literal(bytes(_PREAMBLE) + _PREFIX + group + body)


def even(text: str, padding: bytes = b"\0") -> bytes:
    """Return ASCII text as a value of even length."""
    data = text.encode("ascii")
    return data + padding if len(data) & 1 else data


def _after_prefix(source: Source) -> int:
    head = source.read(0, min(source.size, _PREAMBLE + 4))
    if head[_PREAMBLE:] == _PREFIX:
        return _PREAMBLE + 4
    if head[:4] == _PREFIX:
        return 4
    if len(head) < 8 or not _plausible(source, 0):
        raise Undecodable("dicom-not-recognised")
    return 0


def _plausible(source: Source, start: int) -> bool:
    """Whether a data set may begin at `start`: an early even group, in either byte order."""
    return _order(source, start) is not None


def _order(source: Source, start: int) -> bool | None:
    """Return whether the first group is written low byte first, or None where it is no group."""
    if start + 8 > source.size:
        return None
    little, big = struct.unpack("<H", source.read(start, 2))[0], struct.unpack(">H", source.read(start, 2))[0]
    if 0 < little <= 0x28:
        return True
    return False if 0 < big <= 0x28 else None


def _meta(source: Source, at: int) -> tuple[dict[int, str], int]:
    """Read group 0002, whatever its group length says; it is little endian, explicit unless it is not."""
    values: dict[int, str] = {}
    encoding = source.encoding_at(at, EXPLICIT)
    while at + 8 <= source.size and source.read(at, 2) == b"\2\0":
        element = source.element(at, encoding)
        at = skipped(source, element, encoding, source.size, 0)
        if element.tag in (_META_CLASS, _META_INSTANCE, _META_SYNTAX) and element.length <= _LONGEST_META:
            raw = source.read(element.start, element.length)
            values[element.tag] = raw.decode("latin-1").strip(" \0")
    return values, at


def _guessed(source: Source, start: int) -> str:
    """Return the transfer syntax of a file that states none."""
    little = _order(source, start)
    if little is None:
        raise Undecodable("transfer-syntax-unknown", place(_META_SYNTAX))
    if not little:
        return "1.2.840.10008.1.2.2"
    return _EXPLICIT_LE if source.encoding_at(start, IMPLICIT).explicit else "1.2.840.10008.1.2"


def _deflated(reader: Reader, start: int) -> Inflated:
    """Return the layer of a deflated data set, inflated once to know its size (PS3.5 A.5)."""
    limit = max(_FLOOR, (reader.size - start) * _RATIO)
    inflater, size, at = zlib.decompressobj(-zlib.MAX_WBITS), 0, start
    pending = b""
    while not inflater.eof:
        if not pending:
            pending = reader.read(at, _CHUNK)
            at += len(pending)
        try:
            chunk = inflater.decompress(pending, _CHUNK)
        except zlib.error:
            raise Undecodable("deflate-damaged") from None
        if not chunk and not pending:
            raise Undecodable("deflate-damaged")
        size, pending = size + len(chunk), inflater.unconsumed_tail
        if size > limit:
            raise Undecodable("dicom-limit")
    return Inflated(start, reader.size, size)


@lru_cache(maxsize=1)
def _syntaxes() -> Mapping[str, tuple[str, Fragments]]:
    table = (files("pipelines") / "standard" / "transfer-syntaxes.csv").read_text("utf-8")
    rows = csv.DictReader(table.splitlines())
    return {row["uid"]: (row["encoding"], Fragments(row["fragments"])) for row in rows}
