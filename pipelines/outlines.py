"""Where a photograph or a mesh holds bytes that are not picture or shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pipelines.places import Field
from pipelines.reader import Reader

_STEP = 1 << 18
_TEXT_CHUNKS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"eXIf"))
_KNOWN_CHUNKS = _TEXT_CHUNKS | frozenset(
    (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"bKGD", b"pHYs", b"iCCP")
)
_PNG = b"\x89PNG\r\n\x1a\n"
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_EXIF_DIRECTORY, _MOST_DIRECTORIES, _LONGEST = 0x8769, 4, 1024
_HEADER, _COUNT, _TRIANGLE = 80, 4, 50
_NUMBER = rb"[ \t]+(?:[-+0-9.eE]{1,40}|[-+]?(?:nan|inf))"
_GEOMETRY = re.compile(
    rb"^[ \t]*(?:facet[ \t]+normal(?:" + _NUMBER + rb"){3}|vertex(?:" + _NUMBER + rb"){3}"
    rb"|outer[ \t]+loop|endloop|endfacet)[ \t]*\r?\n",
    re.MULTILINE | re.IGNORECASE,
)


def fields_of_picture(reader: Reader) -> Iterator[Field]:
    """Yield the segments of a JPEG or the chunks of a PNG; anything else is one text."""
    if reader.read(0, 2) == b"\xff\xd8":
        return _jpeg(reader)
    if reader.read(0, 8) == _PNG:
        return _png(reader)
    return iter((Field("text", "UT", 0, reader.size),))


def fields_of_shape(reader: Reader) -> Iterator[Field]:
    """Yield what stands around the triangles of a binary STL; an ASCII one is all loose bytes."""
    stop = _last_triangle(reader)
    if stop is None:
        yield Field("lines", "OB", 0, reader.size, payload=True)
        return
    first = _HEADER + _COUNT
    yield Field("header", "UT", 0, _HEADER)
    yield Field("triangles", "OB", _HEADER, stop, payload=True)
    if stop < reader.size:
        yield Field("trailing bytes", "UT", max(first, stop), reader.size)


def loose_bytes(reader: Reader) -> Iterator[tuple[str, bytes]]:
    """Yield what is no geometry among the triangles: attribute words, or lines of another kind."""
    stop = _last_triangle(reader)
    if stop is None:
        yield from _odd_lines(reader)
        return
    step = _STEP // _TRIANGLE * _TRIANGLE
    before = b""
    for at in range(_HEADER + _COUNT, stop, step):
        records = reader.read(at, min(step, stop - at))
        words = bytearray(len(records) // _TRIANGLE * 2)
        words[0::2] = records[48::_TRIANGLE]
        words[1::2] = records[49::_TRIANGLE]
        if any(words):
            yield "attribute words", before + bytes(words)
        before = bytes(words[-1024:])


def _last_triangle(reader: Reader) -> int | None:
    count = int.from_bytes(reader.read(_HEADER, _COUNT), "little")
    stop = _HEADER + _COUNT + count * _TRIANGLE
    return stop if count and reader.size >= stop else None


def _odd_lines(reader: Reader) -> Iterator[tuple[str, bytes]]:
    rest = b""
    for at in range(0, reader.size, _STEP):
        data = rest + reader.read(at, _STEP)
        edge = data.rfind(b"\n") + 1
        if not edge:
            yield "text lines", data
            rest = data[-1024:]
            continue
        odd = _GEOMETRY.sub(b"", data[:edge])
        if odd:
            yield "text lines", odd
        rest = data[edge:]
    if rest:
        yield "text lines", rest


def _jpeg(reader: Reader) -> Iterator[Field]:
    at = 2
    while at < reader.size:
        marker = reader.read(at, 4)
        if marker[:1] != b"\xff" or marker[1:2] in (b"\xd9", b""):
            yield Field("trailing bytes", "UT", at, reader.size)
            return
        code = marker[1]
        if code == 0xFF or code == 0x01 or 0xD0 <= code <= 0xD8:
            yield Field("marker", "OB", at, at + (1 if code == 0xFF else 2))
            at += 1 if code == 0xFF else 2
            continue
        stop = min(at + 2 + max(int.from_bytes(marker[2:4], "big"), 2), reader.size)
        says = code == 0xFE or (0xE1 <= code <= 0xEF and code != 0xEE)
        yield Field(f"segment {code:02X}", "UT" if says else "OB", at + 4, stop)
        at = stop
        if code == 0xDA:
            at = _scan_end(reader, stop)
            yield Field("scan", "OB", stop, at, payload=True)


def _scan_end(reader: Reader, at: int) -> int:
    while at < reader.size:
        data = reader.read(at, _STEP)
        match = _SCAN_END.search(data)
        if match:
            return at + match.start()
        if len(data) < 2:
            break
        at += len(data) - 1
    return reader.size


def _png(reader: Reader) -> Iterator[Field]:
    at = len(_PNG)
    while at + 12 <= reader.size:
        head = reader.read(at, 8)
        name, stop = head[4:], at + 12 + int.from_bytes(head[:4], "big")
        if stop > reader.size or name == b"IEND":
            break
        if name == b"IDAT":
            yield Field("IDAT", "OB", at + 8, stop, payload=True)
        else:
            known = f"chunk {name.decode()}" if name in _KNOWN_CHUNKS else "chunk"
            yield Field(known, "UT" if name in _TEXT_CHUNKS or name not in _KNOWN_CHUNKS else "OB", at + 4, stop)
        at = stop
    if at < reader.size:
        yield Field("trailing bytes", "UT", at, reader.size)


def exif_values(tiff: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the text and byte values of the first directories of an EXIF block (TIFF 6.0 section 2)."""
    order: Literal["big", "little"] = "big" if tiff[:2] == b"MM" else "little"

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], order)

    directories = [number(4, 4)]
    for directory in directories:
        for at in range(directory + 2, directory + 2 + 12 * min(number(directory, 2), 512), 12):
            tag, form, count = number(at, 2), number(at + 2, 2), number(at + 4, 4)
            if tag == _EXIF_DIRECTORY and len(directories) < _MOST_DIRECTORIES:
                directories.append(number(at + 8, 4))
            elif form in (1, 2, 7):
                start = at + 8 if count <= 4 else number(at + 8, 4)
                yield tag, tiff[start : start + min(count, _LONGEST)]
