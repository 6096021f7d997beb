"""Open a package: nothing is written before all of it has been verified.

The sealed file is read twice. The first reading verifies signature, manifest and every member with
nothing on disk; the second writes into the folder the caller named, and nowhere else, and verifies again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from worker.package.layout import BadLayout, Entry, find_entries
from worker.package.manifest import (
    ENVELOPE,
    MANIFEST,
    PAYLOAD_TYPE,
    PRESCRIPTION,
    README,
    BadManifest,
    Digest,
    Manifest,
    parse_manifest,
)
from worker.sealing import Identity, NoMatch, SealedReader, SealingError
from worker.signing import Envelope, SigningError, VerifyKey, parse_envelope

if TYPE_CHECKING:
    from pipelines.reader import Reader

PAYLOAD = "payload"
_STAGING = ".partial"

_CHUNK = 1 << 20
_LONGEST_DOCUMENT = 1 << 26
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class PackageRefused(Exception):
    """The file is not a whole, genuine package for this key; `code` says what is wrong. Nothing was kept."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class OpenedPackage:
    """What was written. `manifest` is None for sealed bytes that are no package.

    `sender_verified` says that the signature is by the key the caller trusts; without such a key the
    manifest is whole, but who wrote it is only claimed.
    """

    manifest: Manifest | None
    sender_verified: bool
    paths: tuple[Path, ...]


class FileReader:
    """A regular file as a reader; it stays open until `close`."""

    def __init__(self, path: Path) -> None:
        try:
            # Without waiting: a pipe has no size, and is refused below.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            raise PackageRefused("file-unreadable") from None
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise PackageRefused("file-unreadable")
        self._size = status.st_size

    @property
    def size(self) -> int:
        """The size of the file when it was opened."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset`, `length` of them; fewer only where the file ends."""
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError:
            raise PackageRefused("file-unreadable") from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class _Content:
    """The verified package: where each member's bytes are in the opened payload."""

    manifest: Manifest | None
    members: tuple[_Placed, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """One file to write: its bytes are `start` to `start + digest.size` of the opened payload."""

    path: str
    start: int
    digest: Digest


def open_package(
    source: Reader | Path, identities: Sequence[Identity], out: Path, vkey: VerifyKey | None = None
) -> OpenedPackage:
    """Verify the sealed file with `identities`, and the sender with `vkey`; then write its files to `out`.

    `out` does not exist, or is an empty folder; when anything is wrong, it stays so. Sealed bytes that are
    no package are written as the one file `payload`, unless a sender is asked for.
    """
    with ExitStack() as stack:
        if isinstance(source, Path):
            source = FileReader(source)
            stack.callback(source.close)
        try:
            sealed = SealedReader(source, identities)
            content = _verified(sealed, vkey)
            paths = _write(sealed, content, out)
        except NoMatch as error:
            raise PackageRefused(_no_match(error)) from None
        except (SealingError, BadLayout) as error:
            raise PackageRefused(error.code) from None
    return OpenedPackage(content.manifest, vkey is not None, paths)


def _no_match(error: NoMatch) -> str:
    return "sealed-to-passphrase" if error.code == "sealed-to-passphrase" else "wrong-key"


def _verified(sealed: SealedReader, vkey: VerifyKey | None) -> _Content:
    """Read all of the payload once, and return what may be written."""
    entries = {entry.path: entry for entry in find_entries(sealed)}
    if not entries.keys() & {MANIFEST, ENVELOPE}:
        if vkey is not None:
            raise PackageRefused("not-a-package")
        return _Content(None, (_Placed(PAYLOAD, 0, _digest(sealed, 0, sealed.size)),))
    data = _document(sealed, entries, MANIFEST, "manifest-missing")
    envelope = _document(sealed, entries, ENVELOPE, "signature-missing")
    manifest = _signed(data, envelope, vkey)
    if manifest.statement.recipient.key_fingerprint != sealed.identity.recipient.fingerprint:
        # Genuine, but sealed again by somebody for whom it was meant (surreptitious forwarding).
        raise PackageRefused("meant-for-another")
    placed = _placed(manifest, entries, data, envelope)
    for member in placed:
        if _digest(sealed, member.start, member.digest.size) != member.digest:
            raise PackageRefused("member-changed")
    return _Content(manifest, placed)


def _signed(data: bytes, envelope: bytes, vkey: VerifyKey | None) -> Manifest:
    """Return the manifest in `data`, which the envelope signs, by `vkey` if there is one."""
    try:
        manifest = parse_manifest(data)
        signed: Envelope = parse_envelope(envelope, PAYLOAD_TYPE)
        if signed.payload != data:
            raise PackageRefused("manifest-changed")
        claimed = VerifyKey.parse(manifest.signer)
        if vkey is not None and claimed != vkey:
            raise PackageRefused("other-sender")
        signed.verify(claimed)
    except (BadManifest, SigningError) as error:
        raise PackageRefused(error.code) from None
    return manifest


def _placed(manifest: Manifest, entries: dict[str, Entry], data: bytes, envelope: bytes) -> tuple[_Placed, ...]:
    """Return the members, which are exactly those the manifest lists, each with the listed size."""
    expected = {
        README: manifest.readme,
        MANIFEST: Digest(len(data), hashlib.sha256(data).hexdigest()),
        ENVELOPE: Digest(len(envelope), hashlib.sha256(envelope).hexdigest()),
        PRESCRIPTION: manifest.prescription,
    } | {file.path: file.digest for file in manifest.files}
    if entries.keys() - expected.keys():
        raise PackageRefused("member-extra")
    if expected.keys() - entries.keys():
        raise PackageRefused("member-missing")
    for path, digest in expected.items():
        if entries[path].size != digest.size:
            raise PackageRefused("member-changed")
    return tuple(_Placed(path, entries[path].start, digest) for path, digest in expected.items())


def _document(sealed: SealedReader, entries: dict[str, Entry], path: str, missing: str) -> bytes:
    if path not in entries:
        raise PackageRefused(missing)
    entry = entries[path]
    if entry.size > _LONGEST_DOCUMENT:
        raise PackageRefused("manifest-damaged")
    return sealed.read(entry.start, entry.size)


def _chunks(sealed: SealedReader, start: int, size: int) -> Iterator[bytes]:
    for offset in range(start, start + size, _CHUNK):
        yield sealed.read(offset, min(_CHUNK, start + size - offset))


def _digest(sealed: SealedReader, start: int, size: int) -> Digest:
    digest = hashlib.sha256()
    for chunk in _chunks(sealed, start, size):
        digest.update(chunk)
    return Digest(size, digest.hexdigest())


def _write(sealed: SealedReader, content: _Content, out: Path) -> tuple[Path, ...]:
    """Write the members below `out`; whatever goes wrong, what was written is removed again.

    A file appears in its place only when all of them are whole: a death leaves them in a hidden folder.
    """
    staging = out / _STAGING
    try:
        with ExitStack() as undo:
            _folder(out, undo)
            if any(out.iterdir()):
                raise PackageRefused("out-not-empty")
            staging.mkdir(0o700)
            undo.callback(shutil.rmtree, staging, ignore_errors=True)
            for member in content.members:
                _write_member(sealed, member, staging)
            for entry in sorted(staging.iterdir()):
                entry.rename(out / entry.name)
                undo.callback(_remove, out / entry.name)
            staging.rmdir()
            undo.pop_all()
    except OSError:
        raise PackageRefused("out-unwritable") from None
    return tuple(out / member.path for member in content.members)


def _folder(path: Path, undo: ExitStack) -> None:
    """Make the folder and those above it, and have them removed if something fails."""
    if path.is_dir():
        return
    _folder(path.parent, undo)
    path.mkdir(0o700)
    undo.callback(path.rmdir)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_member(sealed: SealedReader, member: _Placed, folder: Path) -> None:
    path = folder / member.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
        for chunk in _chunks(sealed, member.start, member.digest.size):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != member.digest.sha256:
        raise PackageRefused("member-changed")
