"""Any range of a sealed file reads as the plain bytes do, whatever pieces it was sealed in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reader import BytesReader
from worker.sealing import (
    ArmorFailure,
    Kind,
    NoMatch,
    PayloadFailure,
    SealedReader,
    generate_identity,
    open_stream,
    seal,
)

KEY = generate_identity(Kind.CLASSIC)
PLAIN = bytes(range(251)) * 6000
SEALED = b"".join(seal([PLAIN], KEY.recipient))
EDGES = [0, 1, 65535, 65536, 65537, 131071, 131072, len(PLAIN) - 1, len(PLAIN), len(PLAIN) + 9]


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, some of them empty."""
    return [data[a:b] for a, b in pairwise([0, *sorted(places), len(data)])]


@settings(max_examples=40, deadline=None)
@given(
    size=st.one_of(st.sampled_from(EDGES), st.integers(0, 200_000)),
    places=st.lists(st.integers(0, 200_000), max_size=6),
    kind=st.sampled_from(list(Kind)),
)
def test_what_was_sealed_is_opened(size: int, places: list[int], kind: Kind) -> None:
    key, plain = generate_identity(kind), PLAIN[:size]
    sealed = b"".join(seal(_cut(plain, [min(place, len(plain)) for place in places]), key.recipient))
    pieces = _cut(sealed, [min(place, len(sealed)) for place in places])
    assert b"".join(open_stream(pieces, [key])) == plain
    reader = SealedReader(BytesReader(sealed), [key])
    assert (reader.size, reader.read(0, reader.size), reader.identity) == (len(plain), plain, key)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(EDGES), st.integers(0, len(PLAIN) + 100)),
            st.one_of(st.sampled_from(EDGES), st.integers(0, 200_000)),
        ),
        max_size=12,
    )
)
def test_any_sequence_of_ranges_reads_as_the_plain_bytes(ranges: list[tuple[int, int]]) -> None:
    reader = SealedReader(BytesReader(SEALED), [KEY])
    for offset, length in ranges:
        assert reader.read(offset, length) == PLAIN[offset : offset + length]


def test_a_range_longer_than_what_is_kept_is_read_whole() -> None:
    plain = PLAIN * 2
    reader = SealedReader(BytesReader(b"".join(seal([plain], KEY.recipient))), [KEY])
    assert reader.read(70_000, 10) == plain[70_000:70_010]
    assert reader.read(0, len(plain)) == plain


class _Counting(BytesReader):
    """A source that counts how often it is asked."""

    reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read(offset, length)


def test_a_chunk_that_was_just_read_is_not_fetched_again() -> None:
    source = _Counting(SEALED)
    reader = SealedReader(source, [KEY])
    reader.read(100_000, 10)
    before = source.reads
    assert reader.read(100_010, 500) == PLAIN[100_010:100_510]
    assert source.reads == before


def test_neighbouring_chunks_are_fetched_together() -> None:
    source = _Counting(SEALED)
    reader = SealedReader(source, [KEY])
    before = source.reads
    reader.read(0, 16 * 65536)
    assert source.reads == before + 1


def test_a_cut_at_the_border_of_a_chunk_is_found_on_opening() -> None:
    header = len(SEALED) - len(PLAIN) - 16 * -(-len(PLAIN) // 65536)
    for chunks in range(1, 4):
        with pytest.raises(PayloadFailure):
            SealedReader(BytesReader(SEALED[: header + chunks * 65552]), [KEY])


def test_a_damaged_chunk_in_the_middle_fails_where_it_is_read_and_nowhere_else() -> None:
    data = bytearray(SEALED)
    data[-300_000] ^= 1
    reader = SealedReader(BytesReader(bytes(data)), [KEY])
    assert reader.read(0, 65536) == PLAIN[:65536]
    with pytest.raises(PayloadFailure):
        reader.read(0, reader.size)


def test_armor_is_named_as_the_reason() -> None:
    with pytest.raises(ArmorFailure, match="armor-not-seekable"):
        SealedReader(BytesReader(b"\n-----BEGIN AGE ENCRYPTED FILE-----\n"), [KEY])


def test_a_file_for_a_passphrase_says_so() -> None:
    stanza = b"age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n\n--- " + b"A" * 43 + b"\n"
    with pytest.raises(NoMatch, match="sealed-to-passphrase"):
        SealedReader(BytesReader(stanza + bytes(64)), [KEY])
