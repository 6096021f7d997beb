"""STREAM, the payload of an age v1 file: chunks of 64 KiB, each sealed with its number.

The number and a mark on the last chunk are the nonce, so that no chunk can be moved, dropped or added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from worker.sealing.errors import PayloadFailure
from worker.sealing.header import derive

CHUNK = 1 << 16
TAG = 16
SEALED_CHUNK = CHUNK + TAG
NONCE = 16


class Payload:
    """The cipher of one file's payload, whose key comes from the file key and the payload's nonce."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(derive(file_key, nonce, b"payload"))

    def encrypt(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed chunks of the bytes in `chunks`."""
        for number, (block, last) in enumerate(_blocks(chunks, CHUNK)):
            yield self._cipher.encrypt(_counter(number, last), block, None)

    def decrypt(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the opened chunks, each verified; a payload that was cut fails before its last chunk."""
        for number, (block, last) in enumerate(_blocks(chunks, SEALED_CHUNK)):
            try:
                chunk = self.open_chunk(number, block, last=last)
            except PayloadFailure:
                if len(block) != SEALED_CHUNK:
                    raise
                # A genuine chunk that ends the payload too early or too late: who does not look ahead has
                # seen its bytes before the failure, so they may be seen here.
                yield self.open_chunk(number, block, last=not last)
                raise PayloadFailure("payload-end") from None
            yield chunk

    def open_chunk(self, number: int, block: bytes, *, last: bool) -> bytes:
        """Return the opened chunk, which is this file's chunk of that number."""
        # Only an empty payload may end in an empty chunk (age v1, payload).
        if len(block) < TAG or (number > 0 and len(block) == TAG):
            raise PayloadFailure("payload-length")
        try:
            return self._cipher.decrypt(_counter(number, last), block, None)
        except InvalidTag:
            raise PayloadFailure("payload-damaged") from None


def payload_size(plain_size: int) -> int:
    """Return the size of the nonce and the sealed chunks of `plain_size` bytes."""
    return NONCE + plain_size + TAG * max(1, -(-plain_size // CHUNK))


def plain_size(sealed_size: int) -> int:
    """Return the number of bytes in `sealed_size` bytes of sealed chunks."""
    last = sealed_size % SEALED_CHUNK or SEALED_CHUNK
    if sealed_size < TAG or (sealed_size > SEALED_CHUNK and last <= TAG):
        raise PayloadFailure("payload-length")
    return sealed_size - TAG * -(-sealed_size // SEALED_CHUNK)


def _counter(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _blocks(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of `size` bytes, each with whether it is the last: that may be shorter, alone empty."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        start = 0
        while len(held) - start > size:
            yield bytes(memoryview(held)[start : start + size]), False
            start += size
        del held[:start]
    yield bytes(held), True
