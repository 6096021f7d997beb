"""Sealed files that were changed anywhere: no reader ever takes one for whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.reader import BytesReader
from worker.sealing import (
    HeaderFailure,
    Kind,
    SealedReader,
    SealingError,
    generate_identity,
    open_stream,
    seal,
)

KEYS = {kind: generate_identity(kind, random=lambda size: b"\x21" * size) for kind in Kind}
FILES = {kind: b"".join(seal([b"upper and lower"], key.recipient)) for kind, key in KEYS.items()}
KINDS = pytest.mark.parametrize("kind", list(Kind), ids=[kind.name.lower() for kind in Kind])


def _opened(kind: Kind, data: bytes) -> Iterator[str]:
    """The ways of reading that took the data for a whole file."""
    try:
        b"".join(open_stream([data], [KEYS[kind]]))
        yield "stream"
    except SealingError:
        pass
    try:
        reader = SealedReader(BytesReader(data), [KEYS[kind]])
        reader.read(0, reader.size)
        yield "reader"
    except SealingError:
        pass


@KINDS
def test_the_file_opens_before_it_is_damaged(kind: Kind) -> None:
    assert list(_opened(kind, FILES[kind])) == ["stream", "reader"]


@KINDS
def test_every_changed_byte_is_found(kind: Kind) -> None:
    for place in range(len(FILES[kind])):
        data = bytearray(FILES[kind])
        data[place] ^= 1
        assert not list(_opened(kind, bytes(data))), place


@pytest.mark.parametrize("bit", [2, 0x20, 0x80])
def test_no_bit_of_a_byte_is_free(bit: int) -> None:
    """0x20 is the case of a letter of base64, 0x80 leaves ASCII."""
    for place in range(len(FILES[Kind.CLASSIC])):
        data = bytearray(FILES[Kind.CLASSIC])
        data[place] ^= bit
        assert not list(_opened(Kind.CLASSIC, bytes(data))), place


@KINDS
def test_every_truncation_is_found(kind: Kind) -> None:
    for length in range(len(FILES[kind])):
        assert not list(_opened(kind, FILES[kind][:length])), length


@KINDS
@pytest.mark.parametrize("more", [1, 16, 65536])
def test_bytes_behind_the_end_are_found(kind: Kind, more: int) -> None:
    assert not list(_opened(kind, FILES[kind] + bytes(more)))


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2)])
def test_exchanged_chunks_are_found(first: int, second: int) -> None:
    key = KEYS[Kind.CLASSIC]
    header, *chunks = seal([bytes(65536 * 3)], key.recipient)
    chunks[first], chunks[second] = chunks[second], chunks[first]
    assert not list(_opened(Kind.CLASSIC, header + b"".join(chunks)))


def test_a_dropped_chunk_is_found() -> None:
    header, *chunks = seal([bytes(65536 * 3)], KEYS[Kind.CLASSIC].recipient)
    for dropped in range(len(chunks)):
        rest = chunks[:dropped] + chunks[dropped + 1 :]
        assert not list(_opened(Kind.CLASSIC, header + b"".join(rest)))


def test_a_header_without_an_end_is_not_read_for_ever() -> None:
    def endless() -> Iterator[bytes]:
        yield b"age-encryption.org/v1\n"
        while True:
            yield b"-> x\n\n" * 1000

    with pytest.raises(HeaderFailure, match="header-size"):
        next(open_stream(endless(), [KEYS[Kind.CLASSIC]]))


def test_something_else_is_refused_after_its_first_bytes() -> None:
    def other() -> Iterator[bytes]:
        yield bytes(5000)
        raise AssertionError("read on")

    with pytest.raises(HeaderFailure, match="header-version"):
        next(open_stream(other(), [KEYS[Kind.CLASSIC]]))


@pytest.mark.parametrize("text", [b"\n" * 5000, b"-----BEGIN AGE ENCRYPTED FILE-----\n" + b"A" * 9000])
def test_armor_that_goes_nowhere_is_refused(text: bytes) -> None:
    with pytest.raises(SealingError):
        next(open_stream([text], [KEYS[Kind.CLASSIC]]))
