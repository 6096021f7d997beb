"""Bombs, lies and damage: refused within bounded time and memory, and never more hidden than must be."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipes import zipped

from pipelines import PipelineError, Undecodable
from pipelines.archive import Allowance, Limits, members
from pipelines.reader import BytesReader, through

_WORDS = b"Niroloez " * 50


def _refused(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(Undecodable) as caught:
        members(BytesReader(data), Allowance(len(data), limits))
    return caught.value.code


def _problems(data: bytes) -> list[str | None]:
    return [member.problem for member in members(BytesReader(data))]


def _patched(data: bytes, magic: bytes, offset: int, value: bytes, last: bool = False) -> bytes:
    """Return the zip with `value` at `offset` behind the first (or last) record that opens with `magic`."""
    at = (data.rindex(magic) if last else data.index(magic)) + offset
    return data[:at] + value + data[at + len(value) :]


def _overlapping(count: int) -> bytes:
    """Return a zip whose directory names one member `count` times: a bomb of quoted overlap."""
    data = zipped(("a", bytes(5 << 20)))
    directory = data.index(b"PK\x01\x02")
    record, end = data[directory : data.rindex(b"PK\x05\x06")], data[data.rindex(b"PK\x05\x06") :]
    tail = struct.pack("<4s4H2IH", end[:4], 0, 0, count, count, len(record) * count, directory, 0)
    return data[:directory] + record * count + tail


def test_a_bomb_is_refused_before_it_is_inflated() -> None:
    data = zipped(("a", bytes(128 << 20)))
    tracemalloc.start()
    assert _refused(data) == "archive-too-large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_members_that_overlap_are_refused() -> None:
    assert _refused(_overlapping(2)) == "archive-damaged"
    assert _refused(_overlapping(10_000)) == "archive-too-large"


def test_too_many_members_are_refused() -> None:
    assert _refused(zipped(("a", b""), ("b", b""), ("c", b"")), Limits(members=2)) == "archive-too-many-members"


def test_a_directory_that_claims_a_billion_members_is_refused() -> None:
    data = zipped(("a", b"x"))
    assert _refused(_patched(data, b"PK\x05\x06", 8, b"\xff\xff\xff\xff")) == "archive-too-many-members"


def test_the_total_is_limited_whatever_the_ratio() -> None:
    assert _refused(zipped(("a", bytes(2000)), ("b", bytes(2000))), Limits(total=3000)) == "archive-too-large"


def test_what_many_archives_unfold_to_is_counted_together() -> None:
    source = BytesReader(zipped(("a", bytes(2000))))
    allowance = Allowance(source.size, Limits(total=3000))
    members(source, allowance)
    with pytest.raises(Undecodable, match="archive-too-large"):
        members(source, allowance)


def test_a_member_with_another_checksum_is_damaged_and_hides_no_other() -> None:
    data = _patched(zipped(("a", _WORDS), ("b", b"good")), b"PK\x01\x02", 16, b"\0\0\0\0")
    assert _problems(data) == ["archive-damaged", None]


@pytest.mark.parametrize("size", [1, len(_WORDS) - 1, len(_WORDS) + 1, 1 << 20])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_that_lies_about_its_size_is_damaged(size: int, method: int) -> None:
    data = zipped(("a", _WORDS), method=method)
    assert _problems(_patched(data, b"PK\x01\x02", 24, struct.pack("<I", size))) == ["archive-damaged"]


def test_bytes_behind_the_end_of_a_deflate_stream_are_damage() -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(_WORDS) + packer.flush() + b"Niroloez"
    data = zipped(("a", packed), method=zipfile.ZIP_STORED)
    for magic, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data = _patched(data, magic, at, b"\x08\0")
    data = _patched(data, b"PK\x01\x02", 16, struct.pack("<I", zlib.crc32(_WORDS)))
    data = _patched(data, b"PK\x01\x02", 24, struct.pack("<I", len(_WORDS)))
    assert _problems(data) == ["archive-damaged"]


def test_an_encrypted_member_says_so() -> None:
    data = _patched(zipped(("a", _WORDS), ("b", b"good")), b"PK\x01\x02", 8, b"\x01\0")
    assert _problems(data) == ["archive-encrypted", None]


def test_another_method_says_so() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", _WORDS)
    assert _problems(buffer.getvalue()) == ["archive-method-unsupported"]


def test_a_local_header_that_disagrees_is_refused() -> None:
    assert _refused(_patched(zipped(("a", _WORDS)), b"PK\x03\x04", 8, b"\0\0")) == "archive-damaged"


def test_a_member_may_not_reach_into_the_directory() -> None:
    data = zipped(("a", _WORDS), method=zipfile.ZIP_STORED)
    assert _refused(_patched(data, b"PK\x01\x02", 20, struct.pack("<I", len(_WORDS) + 40))) == "archive-damaged"


@pytest.mark.parametrize("cut", [1, 21, 22, 60, 200])
def test_a_truncated_archive_is_refused(cut: int) -> None:
    assert _refused(zipped(("a", _WORDS), ("b", _WORDS), method=zipfile.ZIP_STORED)[:-cut]) == "archive-damaged"


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=6), st.integers(0, 400))
def test_damage_is_found_or_harmless(at: int, noise: bytes, cut: int) -> None:
    data = bytearray(zipped(("Niroloez", _WORDS), ("b", zipped(("c", _WORDS)))))
    at %= len(data)
    data[at : at + len(noise)] = noise
    source = BytesReader(bytes(data[: len(data) - cut]))
    with suppress(PipelineError):
        whole = [member for member in members(source) if member.problem is None]
        assert all(through(source, member.layers).size == member.size for member in whole)
