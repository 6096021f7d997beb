"""Look inside: base64 runs, zlib and gzip streams, deflated zip members, inside one another."""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pipelines.errors import Undecodable
from pipelines.reader import BytesReader, Reader

_DEPTH = 3
_LIMIT = 1 << 25
_STEP = 1 << 16
_PIECE = 1 << 12
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{7,}(?:\r?\n[A-Za-z0-9+/_-]+)*")
_STREAM = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08|PK\x03\x04")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
_WIDEST = 47


@dataclass(slots=True)
class Budget:
    """How many more bytes one search may unpack."""

    left: int = _LIMIT

    def spend(self, count: int) -> None:
        """Count `count` bytes; raises `Undecodable` when there are more than a search looks at."""
        self.left -= count
        if self.left < 0:
            raise Undecodable("search-limit")


def contents(reader: Reader, offset: int, data: bytes, budget: Budget, depth: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield what is packed in `data`, which lies at `offset` of `reader`: where it starts, and its bytes.

    A stream that is damaged or cut off gives what can be read of it. What is packed inside what was
    packed comes too, three levels deep, under the outermost place.
    """
    for at, inner in _packed(reader, offset, data, budget):
        yield at, inner
        if depth + 1 < _DEPTH:
            for _, nested in contents(BytesReader(inner), 0, inner, budget, depth + 1):
                yield at, nested


def inflated(reader: Reader) -> Reader:
    """Return a DICOM file with a deflated data set as if it had never been deflated; others as they are."""
    head = reader.read(0, 1024)
    mark = head.find(_DEFLATED_SYNTAX)
    start = _end_of_meta(head)
    if head[128:132] != b"DICM" or mark < 0 or mark > start:
        return reader
    body = b"".join(_inflate(reader, start, -zlib.MAX_WBITS, Budget()))
    return BytesReader(reader.read(0, start) + body)


def _end_of_meta(head: bytes) -> int:
    """Return where the file meta group ends by its own group length (PS3.10 7.1)."""
    if head[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        return 0
    return 144 + int(struct.unpack_from("<I", head, 140)[0])


def _packed(reader: Reader, offset: int, data: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    for match in _BASE64.finditer(data):
        run = match.group().replace(b"\r", b"").replace(b"\n", b"")
        if not run.isdigit():
            yield offset + match.start(), _base64(run)
    for match in _STREAM.finditer(data):
        at = offset + match.start()
        start, bits = at, _WIDEST
        if match.group() == b"PK\x03\x04":
            header = reader.read(at, 30)
            if len(header) < 30 or header[8:10] != b"\x08\x00":
                continue
            start, bits = at + 30 + sum(struct.unpack_from("<HH", header, 26)), -zlib.MAX_WBITS
        inner = b"".join(_inflate(reader, start, bits, budget))
        if inner:
            yield at, inner


def _base64(run: bytes) -> bytes:
    """Return what `run` says from each of the four places where it may begin."""
    run = run.translate(_URL_SAFE)
    tails = (run[skip:] for skip in range(4))
    return b"\0\0".join(binascii.a2b_base64(tail[: len(tail) // 4 * 4] + _rest(tail)) for tail in tails)


def _rest(tail: bytes) -> bytes:
    rest = tail[len(tail) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _inflate(reader: Reader, at: int, bits: int, budget: Budget) -> Iterator[bytes]:
    """Yield a stream in small pieces, up to its end or to the byte that damages it."""
    inflater = zlib.decompressobj(bits)
    pending = b""
    while not inflater.eof:
        if not pending:
            pending = reader.read(at, _STEP)
            at += len(pending)
        fed, before = pending, inflater.copy()
        try:
            piece = inflater.decompress(fed, _PIECE)
        except zlib.error:
            yield _last_words(before, fed)
            return
        if not fed and not piece:
            return
        pending = inflater.unconsumed_tail
        budget.spend(len(piece))
        yield piece


def _last_words(inflater: zlib._Decompress, fed: bytes) -> bytes:
    """Return what comes before the damage in a piece of a stream."""
    out = bytearray()
    with suppress(zlib.error):
        for at in range(len(fed)):
            out += inflater.decompress(fed[at : at + 1])
    return bytes(out)
