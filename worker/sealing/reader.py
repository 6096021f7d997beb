"""A sealed file as a reader: any range of it, opened and verified on demand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from worker.sealing.armor import looks_armored
from worker.sealing.errors import ArmorFailure, HeaderFailure, PayloadFailure
from worker.sealing.header import read_header
from worker.sealing.recipients import Identity, unwrap
from worker.sealing.stream import CHUNK, NONCE, SEALED_CHUNK, Payload, plain_size

if TYPE_CHECKING:
    # Only the shape is needed: a lab opens packages without anything that a pipeline needs.
    from pipelines.reader import Reader

_HEADER_READ = 1 << 12
_HELD = 16
"""Opened chunks kept: one mebibyte."""


class SealedReader:
    """The plain bytes of an age v1 file; implements `Reader` over the `Reader` of the sealed bytes.

    Opening it verifies the header and the last chunk, so a file that was cut is refused at once; every
    other chunk is verified when it is read. Not for use by several threads at a time.
    """

    def __init__(self, source: Reader, identities: Sequence[Identity]) -> None:
        if looks_armored(source.read(0, _HEADER_READ)):
            raise ArmorFailure("armor-not-seekable")
        header, _ = read_header(_chunks(source))
        file_key, self._identity = unwrap(header.stanzas, identities)
        header.verify(file_key)
        nonce = source.read(header.size, NONCE)
        if len(nonce) != NONCE:
            raise HeaderFailure("payload-nonce")
        self._source = source
        self._start = header.size + NONCE
        self._sealed = source.size - self._start
        self._size = plain_size(self._sealed)
        self._last = (self._sealed - 1) // SEALED_CHUNK
        self._payload = Payload(file_key, nonce)
        self._held: OrderedDict[int, bytes] = OrderedDict()
        self._load(self._last, self._last)

    @property
    def size(self) -> int:
        """The number of plain bytes."""
        return self._size

    @property
    def identity(self) -> Identity:
        """The one of the identities that the file is sealed to."""
        return self._identity

    def read(self, offset: int, length: int) -> bytes:
        """Return the verified bytes from `offset`, `length` of them; fewer only where the file ends."""
        end = min(offset + length, self._size)
        if offset >= end:
            return b""
        first, last = offset // CHUNK, (end - 1) // CHUNK
        parts = [self._chunk(number, last) for number in range(first, last + 1)]
        parts[-1] = parts[-1][: end - last * CHUNK]
        parts[0] = parts[0][offset - first * CHUNK :]
        return b"".join(parts)

    def _chunk(self, number: int, wanted: int) -> bytes:
        """Return one opened chunk; when it has to be fetched, those after it up to `wanted` come with it."""
        if number not in self._held:
            self._load(number, min(wanted, number + _HELD - 1))
        self._held.move_to_end(number)
        return self._held[number]

    def _load(self, first: int, last: int) -> None:
        start = first * SEALED_CHUNK
        length = min((last + 1) * SEALED_CHUNK, self._sealed) - start
        sealed = self._source.read(self._start + start, length)
        if len(sealed) != length:
            raise PayloadFailure("payload-length")
        for number in range(first, last + 1):
            begin = (number - first) * SEALED_CHUNK
            block = sealed[begin : begin + SEALED_CHUNK]
            self._held[number] = self._payload.open_chunk(number, block, last=number == self._last)
        # The chunks just loaded are the newest, so none of them is dropped here.
        while len(self._held) > _HELD:
            self._held.popitem(last=False)


def _chunks(source: Reader) -> Iterator[bytes]:
    for offset in range(0, source.size, _HEADER_READ):
        yield source.read(offset, _HEADER_READ)
