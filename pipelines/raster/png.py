"""Rewrite a PNG (W3C PNG third edition): the chunks that decode to the pixels stay, all text goes.

The pixels are one zlib stream over all IDAT chunks. It is inflated once, without being kept, because
bytes behind its end, or rows below the last, are a place to carry anything.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.cleaned import Deidentified
from pipelines.errors import Undecodable
from pipelines.raster.colour import LIMIT, rewritten
from pipelines.raster.orientation import block, orientation
from pipelines.raster.ranges import joined
from pipelines.reader import Reader
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = 1_000_000
_CHUNK = 1 << 18
_INFLATED_LIMIT = 1 << 30
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_ANIMATED = frozenset({b"acTL", b"fcTL", b"fdAT"})
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})

# How long a chunk may be that is kept: colour and scale, no text.
_KEPT = {
    b"tRNS": range(1, 257),
    b"gAMA": range(4, 5),
    b"cHRM": range(32, 33),
    b"sRGB": range(1, 2),
    b"cICP": range(4, 5),
    b"sBIT": range(1, 5),
    b"bKGD": range(1, 7),
    b"pHYs": range(9, 10),
}
# Adam7: first column, first row, column step, row step of each pass (section 8).
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk, `start` at its length, `stop` behind its CRC."""

    name: bytes
    start: int
    stop: int

    @property
    def data(self) -> range:
        return range(self.start + 8, self.stop - 4)


def clean(source: Reader) -> Deidentified:
    """Keep what decodes to the same pixels, and of the rest which way is up and the colours' numbers."""
    parts = tuple(_parts(source))
    header = _header(source, parts)
    _check_pixels(source, parts, _inflated_size(header))
    kept: list[Range] = []
    seen: set[bytes] = set()
    dropped: dict[str, None] = {}
    up, profile = 1, b""
    for part in parts[1:]:
        if _is_kept(part, header[9], seen):
            kept.append(Range(part.start, part.stop))
        else:
            up = max(up, _orientation(source, part))
            profile = profile or _profile(source, part)
            dropped[part.name.decode("ascii")] = None
        seen.add(part.name)
    findings = [Finding(name, Action.X, "metadata") for name in dropped if not (profile and name == "iCCP")]
    if profile:
        findings.append(Finding("iCCP", Action.C, "colour"))
    if up != 1:
        findings.append(Finding("eXIf Orientation", Action.K, "orientation"))
    if parts[-1].stop < source.size:
        findings.append(Finding("trailing bytes", Action.X, "outside-the-format"))
    return Deidentified((Literal(_opening(header, profile, up)), *joined(kept)), tuple(findings), ".png")


def _opening(header: bytes, profile: bytes, up: int) -> bytes:
    opening = _SIGNATURE + _chunk(b"IHDR", header)
    if profile:
        opening += _chunk(b"iCCP", b"ICC\0\0" + zlib.compress(profile))
    return opening + (_chunk(b"eXIf", block(up)) if up != 1 else b"")


def _parts(source: Reader) -> Iterator[_Part]:
    """Yield the chunks up to IEND, each found whole by its CRC."""
    at = len(_SIGNATURE)
    for _ in range(_CHUNKS):
        head = source.read(at, 8)
        stop = at + 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or stop > source.size:
            raise Undecodable("png-truncated")
        part = _Part(head[4:], at, stop)
        _check(source, part)
        yield part
        if part.name == b"IEND":
            return
        at = stop
    raise Undecodable("png-damaged")


def _check(source: Reader, part: _Part) -> None:
    name = part.name
    if name in _ANIMATED:
        raise Undecodable("png-animated")
    if not (name.isalpha() and name.isascii()) or (name[:1].isupper() and name not in _CRITICAL):
        raise Undecodable("png-damaged")
    if name not in _CRITICAL and name not in _KEPT:
        return
    crc = zlib.crc32(name)
    for at in range(part.data.start, part.data.stop, _CHUNK):
        crc = zlib.crc32(source.read(at, min(_CHUNK, part.data.stop - at)), crc)
    if source.read(part.data.stop, 4) != crc.to_bytes(4, "big"):
        raise Undecodable("png-damaged")


def _header(source: Reader, parts: tuple[_Part, ...]) -> bytes:
    """Return the IHDR data of a stream whose chunks stand in the order of section 5.6."""
    names = [part.name for part in parts]
    data = source.read(parts[0].data.start, len(parts[0].data))
    pixels = [index for index, name in enumerate(names) if name == b"IDAT"]
    well = names[0] == b"IHDR" and names.count(b"IHDR") == 1 and len(data) == 13 and len(parts[-1].data) == 0
    if not well or not pixels or pixels[-1] - pixels[0] + 1 != len(pixels):
        raise Undecodable("png-damaged")
    if data[9] not in _CHANNELS or data[8] not in (1, 2, 4, 8, 16) or data[10:12] != b"\0\0" or data[12] > 1:
        raise Undecodable("png-damaged")
    return data


def _inflated_size(header: bytes) -> int:
    """Return how many bytes the filtered rows have (sections 7 and 8)."""
    width, height = struct.unpack_from(">II", header)
    bits = header[8] * _CHANNELS[header[9]]
    passes = _ADAM7 if header[12] else ((0, 0, 1, 1),)
    size = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    if not 0 < size <= _INFLATED_LIMIT:
        raise Undecodable("image-too-large" if size else "png-damaged")
    return size


def _check_pixels(source: Reader, parts: tuple[_Part, ...], expected: int) -> None:
    """Raise `Undecodable` unless the zlib stream holds the rows and nothing besides."""
    inflater, size = zlib.decompressobj(), 0
    for packed in _pixels(source, parts):
        pending = packed
        while pending:
            try:
                size += len(inflater.decompress(pending, _CHUNK))
            except zlib.error:
                raise Undecodable("png-damaged") from None
            pending = inflater.unconsumed_tail
            if size > expected or inflater.unused_data:
                raise Undecodable("png-damaged")
    if not inflater.eof or size != expected:
        raise Undecodable("png-truncated")


def _pixels(source: Reader, parts: tuple[_Part, ...]) -> Iterator[bytes]:
    for part in parts:
        if part.name == b"IDAT":
            for at in range(part.data.start, part.data.stop, _CHUNK):
                yield source.read(at, min(_CHUNK, part.data.stop - at))


def _is_kept(part: _Part, colour: int, seen: set[bytes]) -> bool:
    """A suggested palette of a true colour image shows nothing, so it goes; a doubled chunk goes too."""
    if part.name in (b"IDAT", b"IEND"):
        return True
    if part.name in seen:
        return False
    if part.name == b"PLTE":
        return colour == _PALETTE and len(part.data) in range(3, 769, 3)
    return len(part.data) in _KEPT.get(part.name, ())


def _orientation(source: Reader, part: _Part) -> int:
    if part.name != b"eXIf":
        return 1
    return orientation(source.read(part.data.start, min(len(part.data), 1 << 16)))


def _profile(source: Reader, part: _Part) -> bytes:
    """Return the profile of an iCCP chunk without its texts, empty where it has none that can stay."""
    if part.name != b"iCCP":
        return b""
    _, _, packed = source.read(part.data.start, min(len(part.data), 1 << 16)).partition(b"\0")
    try:
        return rewritten(zlib.decompressobj().decompress(packed[1:], LIMIT + 1)) or b""
    except zlib.error:
        return b""


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")
