"""Open a zip as layers over its bytes: members within limits, nothing inflated to memory or disk.

The central directory (APPNOTE 4.3.12) alone says what is in the zip; a local header must agree with it.
Zips are how bombs and hidden files come: members may not overlap, and each is read once against the
size and the CRC it claims. Names are text for the look-up of roles, never a path.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.errors import PipelineError, Undecodable
from pipelines.reader import Inflated, Layer, Reader, Slice

DEPTH = 3
"""How many archives may lie inside each other."""

_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL = struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x0001 | 0x0040, 0x0800
_CHUNK = 1 << 18
_NAME = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an upload may unfold to; `ratio` is not looked at below `floor` bytes."""

    members: int = 20_000
    total: int = 16 << 30
    ratio: int = 200
    floor: int = 64 << 20


class Allowance:
    """What is left of the limits for one upload of `size` bytes, all its nested archives together."""

    def __init__(self, size: int, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._size = size
        self._members = self._total = 0

    def take(self, sizes: Sequence[int]) -> None:
        """Count members of these inflated sizes, or raise `Undecodable` with the limit that they break."""
        limits = self.limits
        self._members += len(sizes)
        self._total += sum(sizes)
        if self._members > limits.members:
            raise Undecodable("archive-too-many-members")
        if self._total > min(limits.total, max(limits.floor, limits.ratio * self._size)):
            raise Undecodable("archive-too-large")


@dataclass(frozen=True, slots=True)
class Member:
    """One member: `layers` show its content unless `problem` says why it cannot be read."""

    name: str
    layers: tuple[Layer, ...]
    size: int
    problem: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder's entry, which has no content."""
        return self.name.endswith("/") and self.size == 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """A record of the central directory."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


@dataclass(frozen=True, slots=True)
class _Located:
    """An entry and the extent of its data behind the local header."""

    entry: _Entry
    start: int
    stop: int


def names(reader: Reader) -> Iterator[str]:
    """Yield the members' names in the order of the central directory, reading nothing else."""
    return (entry.name for entry in _entries(reader, Limits().members))


def members(reader: Reader, allowance: Allowance | None = None) -> tuple[Member, ...]:
    """Return the members in the order of the central directory, each read once and found whole.

    A member that is damaged, encrypted or packed by another method has a `problem`; an archive whose
    structure lies, or that breaks a limit, raises `Undecodable`.
    """
    allowance = allowance or Allowance(reader.size)
    entries = list(_entries(reader, allowance.limits.members))
    allowance.take([entry.size for entry in entries])
    # In the order of offsets: a nested archive is itself inflated, which only goes forward cheaply.
    order = sorted(range(len(entries)), key=lambda index: entries[index].at)
    located = [_locate(reader, entries[index]) for index in order]
    ends = [*(item.entry.at for item in located), _directory(reader)[1]]
    if any(item.stop > end for item, end in zip(located, ends[1:], strict=True)):
        raise Undecodable("archive-damaged")
    found = {index: _member(reader, item) for index, item in zip(order, located, strict=True)}
    return tuple(found[index] for index in range(len(entries)))


def _member(reader: Reader, located: _Located) -> Member:
    entry = located.entry
    problem = _problem(reader, located)
    layer: Layer = Slice(located.start, located.stop)
    if entry.method == _DEFLATED:
        layer = Inflated(located.start, located.stop, entry.size)
    return Member(entry.name, () if problem else (layer,), entry.size, problem)


def _problem(reader: Reader, located: _Located) -> str | None:
    entry = located.entry
    if entry.flags & _ENCRYPTED:
        return "archive-encrypted"
    if entry.method not in (_STORED, _DEFLATED):
        return "archive-method-unsupported"
    try:
        return None if _is_whole(reader, located) else "archive-damaged"
    except PipelineError as error:
        return error.code


def _is_whole(reader: Reader, located: _Located) -> bool:
    """Whether the member's bytes have the size and the CRC that the directory claims, and end there."""
    chunks = _inflated(reader, located) if located.entry.method == _DEFLATED else _packed(reader, located)
    crc = size = 0
    for chunk in chunks:
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
        if size > located.entry.size:
            return False
    return size == located.entry.size and crc == located.entry.crc


def _packed(reader: Reader, located: _Located) -> Iterator[bytes]:
    for at in range(located.start, located.stop, _CHUNK):
        yield reader.read(at, min(_CHUNK, located.stop - at))


def _inflated(reader: Reader, located: _Located) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for packed in _packed(reader, located):
        pending = packed
        while pending and not inflater.eof:
            try:
                yield inflater.decompress(pending, _CHUNK)
            except zlib.error:
                raise Undecodable("archive-damaged") from None
            pending = inflater.unconsumed_tail
    while not inflater.eof:
        try:
            rest = inflater.decompress(inflater.unconsumed_tail, _CHUNK)
        except zlib.error:
            raise Undecodable("archive-damaged") from None
        if not rest:
            raise Undecodable("archive-damaged")
        yield rest
    if inflater.unused_data:
        raise Undecodable("archive-damaged")


def _locate(reader: Reader, entry: _Entry) -> _Located:
    header = _exactly(reader, entry.at, _LOCAL.size)
    magic, _, _, method, _, _, _, _, _, name, extra = _LOCAL.unpack(header)
    start = entry.at + _LOCAL.size + name + extra
    if magic != b"PK\x03\x04" or method != entry.method or start + entry.packed > reader.size:
        raise Undecodable("archive-damaged")
    return _Located(entry, start, start + entry.packed)


def _entries(reader: Reader, limit: int) -> Iterator[_Entry]:
    """Yield the records of the central directory one by one, however large it claims to be."""
    count, at, stop = _directory(reader)
    if count > limit:
        raise Undecodable("archive-too-many-members")
    for _ in range(count):
        fixed = _CENTRAL.unpack(_exactly(reader, at, _CENTRAL.size))
        magic, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, *_, offset = fixed
        if magic != b"PK\x01\x02":
            raise Undecodable("archive-damaged")
        texts = _exactly(reader, at + _CENTRAL.size, name + extra)
        size, packed, offset = _wide(texts[name:], size, packed, offset)
        at += _CENTRAL.size + name + extra + comment
        if at > stop:
            raise Undecodable("archive-damaged")
        yield _Entry(_text(texts[:name][-_NAME:], flags), flags, method, crc, packed, size, offset)


def _directory(reader: Reader) -> tuple[int, int, int]:
    """Return the central directory's number of records, its first and its last offset (APPNOTE 4.3.16)."""
    begin = max(0, reader.size - 22 - 0xFFFF)
    tail = reader.read(begin, reader.size - begin)
    found = tail.rfind(_END)
    if found < 0 or len(tail) < found + 22:
        raise Undecodable("archive-damaged")
    disk, first, _, count, size, offset = struct.unpack_from("<4H2I", tail, found + 4)
    end = begin + found
    if found >= 20 and tail[found - 20 : found - 16] == _LOCATOR:
        (end,) = struct.unpack_from("<Q", tail, found - 20 + 8)
        record = _exactly(reader, end, 56)
        if record[:4] != _END64:
            raise Undecodable("archive-damaged")
        disk, first, _, count, size, offset = struct.unpack_from("<2I4Q", record, 16)
    if disk or first or offset + size > end:
        raise Undecodable("archive-damaged")
    return count, offset, offset + size


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return the three numbers, replaced from the zip64 extra field where they are all ones (4.5.3)."""
    numbers = [size, packed, offset]
    missing = [index for index, number in enumerate(numbers) if number == 0xFFFFFFFF]
    at = 0
    while missing and at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            values = struct.iter_unpack("<Q", extra[at + 4 : at + 4 + min(length, 24) // 8 * 8])
            for index, (value,) in zip(missing, values, strict=False):
                numbers[index] = value
            break
        at += 4 + length
    return numbers[0], numbers[1], numbers[2]


def _text(name: bytes, flags: int) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if flags & _UTF8 else name.decode("cp437")


def _exactly(reader: Reader, at: int, length: int) -> bytes:
    data = reader.read(at, length)
    if at < 0 or len(data) != length:
        raise Undecodable("archive-damaged")
    return data
