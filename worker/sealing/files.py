"""Seal bytes to a recipient, and open them again, as streams: memory stays the same at any size."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from worker.sealing.armor import dearmor, looks_armored
from worker.sealing.errors import HeaderFailure
from worker.sealing.header import FILE_KEY, read_header, write_header
from worker.sealing.recipients import Identity, Random, Recipient, unwrap
from worker.sealing.stream import NONCE, Payload, payload_size

_ARMOR_HEAD = 2048


def seal(chunks: Iterable[bytes], recipient: Recipient, random: Random = os.urandom) -> Iterator[bytes]:
    """Yield an age v1 file of the bytes in `chunks` that `recipient` alone can open.

    `random` gives file key, nonce and the ephemeral X25519 key. Post-quantum encapsulation draws its own.
    """
    file_key, nonce = random(FILE_KEY), random(NONCE)
    yield write_header(recipient.wrap(file_key, random), file_key) + nonce
    yield from Payload(file_key, nonce).encrypt(chunks)


def sealed_size(plain_size: int, recipient: Recipient) -> int:
    """Return the size of the file that `seal` makes of `plain_size` bytes."""
    # The size of a header does not depend on the file key in it.
    file_key = bytes(FILE_KEY)
    header = write_header(recipient.wrap(file_key, os.urandom), file_key)
    return len(header) + payload_size(plain_size)


def open_stream(chunks: Iterable[bytes], identities: Sequence[Identity]) -> Iterator[bytes]:
    """Yield the bytes of an age v1 file, armored or not; each is verified, the whole only at the end.

    Who must not act on a part of a file reads to the end first: a cut is found there.
    """
    source = _plain(iter(chunks))
    header, rest = read_header(source)
    file_key, _ = unwrap(header.stanzas, identities)
    header.verify(file_key)
    while len(rest) < NONCE:
        chunk = next(source, None)
        if chunk is None:
            raise HeaderFailure("payload-nonce")
        rest += chunk
    yield from Payload(file_key, rest[:NONCE]).decrypt(chain([rest[NONCE:]], source))


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the same file without its armor, if it has one."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _ARMOR_HEAD:
            break
    whole = chain([head], chunks)
    return dearmor(whole) if looks_armored(head) else whole
