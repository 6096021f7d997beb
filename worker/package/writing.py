"""The package: the zip inside the seal, with a signed manifest that names its sender and its recipient.

Members are stored, not deflated, with size and CRC in front of them, so that every unzip program can
read the zip as a stream. Times, permissions and order are fixed: the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stream_zip import NO_COMPRESSION_32, NO_COMPRESSION_64, Method, ZipError, stream_zip

from worker.package.manifest import (
    ENVELOPE,
    MANIFEST,
    PAYLOAD_TYPE,
    PRESCRIPTION,
    README,
    BadManifest,
    Digest,
    Manifest,
    PackedFile,
    Statement,
    check_paths,
)
from worker.signing import SigningKey, sign_envelope

Open = Callable[[], Iterable[bytes]]

# The earliest time that a zip can hold: a real one would differ from run to run.
_TIME = datetime(1980, 1, 1, tzinfo=UTC)
_MODE = 0o100600
_CHUNK = 1 << 18
# Zip64 starts well before the 32 bits of an offset and the 16 bits of a count are used up.
_LARGE = 0xF0000000
_MANY = 1 << 14

_README_TEXT = """\
What this is

This package holds one dental case. Before it left the clinic, everything that
says who the patient is was removed from its files. The person is known here by
a pseudonym only, and only the clinic can turn that back into a name.

  pseudonym   {pseudonym}
  transfer    {transfer}
  from        {sender}
  to          {recipient}
  purpose     {purpose}
  use until   {expires}

What is in it

  manifest.json        the list of files, with their sizes and SHA-256 digests
  manifest.dsse.json   the clinic's signature of that list
  prescription.json    what the clinic orders

{files}

What to do

Quote the pseudonym when you reply, never a name. Do not try to find out who
the patient is. Do not pass the package on: it is meant for the recipient above.
If it holds something that does name the patient, stop and tell the clinic.

"pseudodont open" checks the signature and every digest before it writes a file.
"""


class PackageFailed(Exception):
    """The package cannot be written; `code` says why, never with what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Member:
    """A file to pack. `open` yields the same bytes each time it is called; it is called twice."""

    path: str
    role: str
    kind: str
    open: Open
    instances: int = 1


@dataclass(frozen=True, slots=True)
class _Part:
    """A member of the zip whose bytes have been measured."""

    path: str
    digest: Digest
    crc32: int
    open: Open


class PackageStream:
    """The zip's bytes, made while they are read, and the manifest that is in it. Can be read again."""

    def __init__(self, manifest: Manifest, parts: Sequence[_Part]) -> None:
        self.manifest = manifest
        self._parts = tuple(parts)

    def __iter__(self) -> Iterator[bytes]:
        total = sum(part.digest.size for part in self._parts)
        wide = total > _LARGE or len(self._parts) > _MANY
        members = ((part.path, _TIME, _MODE, _method(part, wide), part.open()) for part in self._parts)
        try:
            yield from stream_zip(members, chunk_size=_CHUNK, extended_timestamps=False)
        except ZipError:
            # Size or CRC differ from the first reading: the source changed under our hands.
            raise PackageFailed("member-changed") from None


def write_package(
    statement: Statement, members: Iterable[Member], prescription: bytes, key: SigningKey
) -> PackageStream:
    """Return the package of `members`, in the order of their paths, under a manifest signed by `key`.

    Every member has been read once when this returns, and is read again when the stream is.
    """
    ordered = sorted(members, key=lambda member: member.path)
    try:
        check_paths(member.path for member in ordered)
        measured = [_measured(member.path, member.open) for member in ordered]
        files = tuple(
            PackedFile(member.path, member.role, member.kind, member.instances, part.digest)
            for member, part in zip(ordered, measured, strict=True)
        )
        readme = _literal(README, _readme(statement, files))
        order = _literal(PRESCRIPTION, prescription)
        manifest = Manifest(statement, key.vkey, readme.digest, order.digest, files)
        data = manifest.encode()
    except BadManifest as error:
        raise PackageFailed(error.code) from None
    except UnicodeEncodeError:
        raise PackageFailed("text-encoding") from None
    envelope = _literal(ENVELOPE, sign_envelope(PAYLOAD_TYPE, data, key))
    return PackageStream(manifest, [readme, _literal(MANIFEST, data), envelope, order, *measured])


def _measured(path: str, open_: Open) -> _Part:
    digest, crc32, size = hashlib.sha256(), 0, 0
    for chunk in open_():
        digest.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
        size += len(chunk)
    return _Part(path, Digest(size, digest.hexdigest()), crc32, open_)


def _literal(path: str, data: bytes) -> _Part:
    return _measured(path, lambda: (data,))


def _method(part: _Part, wide: bool) -> Method:
    method = NO_COMPRESSION_64 if wide else NO_COMPRESSION_32
    return method(part.digest.size, part.crc32)


def _readme(statement: Statement, files: Sequence[PackedFile]) -> bytes:
    text = _README_TEXT.format(
        pseudonym=statement.pseudonym,
        transfer=statement.transfer,
        sender=f"{statement.sender.name}, {statement.sender.country}",
        recipient=f"{statement.recipient.name} ({statement.recipient.id})",
        purpose=statement.purpose,
        expires=statement.expires.astimezone(UTC).date().isoformat(),
        files="\n".join(f"  {file.path}   {file.role}" for file in files) or "  no files",
    )
    return text.encode()
