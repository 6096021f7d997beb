"""The public age vectors of CCTV: each file opens, or fails in the class that its header names.

A vector is a few header lines, an empty line, and the file. `payload` is the SHA-256 of what a reader
may have seen before the failure, so that nothing unverified gets out.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import ROOT, shared

from pipelines.reader import BytesReader
from worker.sealing import (
    ArmorFailure,
    HeaderFailure,
    HmacFailure,
    NoMatch,
    PayloadFailure,
    SealedReader,
    SealingError,
    dearmor,
    open_stream,
    parse_identities,
)

_CLASSES: dict[str, type[SealingError] | None] = {
    "success": None,
    "armor failure": ArmorFailure,
    "header failure": HeaderFailure,
    "HMAC failure": HmacFailure,
    "no match": NoMatch,
    "payload failure": PayloadFailure,
}
_FOLDER = ROOT.parent / "shared" / "vectors" / "cctv-age"


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector file."""

    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of all header lines of that name."""
        return [value for key, value in self.fields if key == name]

    @property
    def armored(self) -> bool:
        """Whether the file is to be read as armor, whatever it looks like."""
        return self.values("armored") == ["yes"]


def _load(path: Path) -> Vector:
    head, _, body = path.read_bytes().partition(b"\n\n")
    fields = [line.split(": ", 1) for line in head.decode().splitlines()]
    vector = Vector(tuple((name, value) for name, value in fields), body)
    if vector.values("compressed"):
        body = zlib.decompress(body)
    return Vector(vector.fields, body)


def _names() -> list[str]:
    """The vectors without a passphrase: sealing to one is not offered."""
    if not _FOLDER.exists():
        return []
    return sorted(path.name for path in _FOLDER.iterdir() if not _load(path).values("passphrase"))


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[start : start + size] for start in range(0, len(data), size))


def _outcome(chunks: Iterable[bytes]) -> tuple[type[SealingError] | None, str]:
    """Return how reading ends, and the SHA-256 of what was read until then."""
    seen = hashlib.sha256()
    try:
        for chunk in chunks:
            seen.update(chunk)
    except SealingError as error:
        return type(error), seen.hexdigest()
    return None, seen.hexdigest()


def test_all_vectors_without_a_passphrase_are_here() -> None:
    shared("vectors/cctv-age")
    assert len(_names()) == 117
    assert sum(1 for name in _names() if name.startswith("hybrid")) == 18


@pytest.mark.parametrize("piece", [1 << 20, 7], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", _names())
def test_a_vector_ends_as_it_says(name: str, piece: int) -> None:
    vector = _load(_FOLDER / name)
    if piece == 7 and len(vector.body) > 1 << 17:
        piece = 65537
    identities = [key for text in vector.values("identity") for key in parse_identities(text)]
    chunks = _pieces(vector.body, piece)
    kind, seen = _outcome(open_stream(dearmor(chunks) if vector.armored else chunks, identities))
    assert kind is _CLASSES[vector.values("expect")[0]]
    if vector.values("payload"):
        assert seen == vector.values("payload")[0]


@pytest.mark.parametrize("name", _names())
def test_armor_is_recognised_and_never_opens_what_a_strict_reader_refuses(name: str) -> None:
    vector = _load(_FOLDER / name)
    identities = [key for text in vector.values("identity") for key in parse_identities(text)]
    kind, seen = _outcome(open_stream([vector.body], identities))
    assert (kind is None) == (vector.values("expect") == ["success"])
    if kind is None:
        assert seen == vector.values("payload")[0]


def _read_all(data: bytes, vector: Vector) -> Iterator[bytes]:
    identities = [key for text in vector.values("identity") for key in parse_identities(text)]
    reader = SealedReader(BytesReader(data), identities)
    for offset in range(0, reader.size, 1 << 16):
        yield reader.read(offset, 1 << 16)


@pytest.mark.parametrize("name", _names())
def test_the_seekable_reader_ends_as_the_vector_says(name: str) -> None:
    vector = _load(_FOLDER / name)
    if vector.armored:
        # Armor has to be taken off before a file can be seeked in; what is left must then agree.
        try:
            body = b"".join(dearmor([vector.body]))
        except ArmorFailure:
            assert vector.values("expect") == ["armor failure"]
            return
    else:
        body = vector.body
    kind, seen = _outcome(_read_all(body, vector))
    assert kind is _CLASSES[vector.values("expect")[0]]
    if kind is None:
        assert seen == vector.values("payload")[0]
