"""Where the members of a package lie in its zip, which every reader must see alike.

Members lie end to end from the first byte to the directory, stored, each behind one header that agrees
with its row there: a reader that streams and one that starts at the directory unpack the same files.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.package.manifest import ENVELOPE, MANIFEST, README

if TYPE_CHECKING:
    from pipelines.reader import Reader

_HEAD = 1 << 16
_BUFFER = 1 << 20
_LOCAL = struct.Struct("<4s5H3I2H")
_WIDE = struct.Struct("<2H2Q")
_UTF8 = 0x800
_ALL_ONES = 0xFFFFFFFF


class BadLayout(Exception):
    """The zip is not laid out as a package is; `code` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entry:
    """A member: its bytes are `start` to `start + size` of the zip, as they are."""

    path: str
    start: int
    size: int


def find_entries(source: Reader) -> tuple[Entry, ...]:
    """Return the members of the package in `source`, none twice; none when it is no package at all."""
    try:
        with zipfile.ZipFile(io.BufferedReader(_Seekable(source), _BUFFER)) as archive:
            infos, end, comment = archive.infolist(), archive.start_dir, archive.comment
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error):
        head = source.read(0, _HEAD)
        if head[_LOCAL.size :].startswith(README.encode()) and MANIFEST.encode() in head:
            raise BadLayout("zip-damaged") from None
        return ()
    names = {info.filename for info in infos}
    if not names & {MANIFEST, ENVELOPE}:
        return ()
    if len(names) != len(infos):
        raise BadLayout("member-duplicate")
    at = 0
    entries: list[Entry] = []
    for info in infos:
        entry = _entry(source, info, at)
        entries.append(entry)
        at = entry.start + entry.size
    if at != end or comment:
        raise BadLayout("zip-layout")
    return tuple(entries)


def _entry(source: Reader, info: zipfile.ZipInfo, at: int) -> Entry:
    """Return the member whose local header (APPNOTE 4.3.7) is at `at`, and says what its row says."""
    if info.filename != info.orig_filename or not stat.S_ISREG(info.external_attr >> 16):
        raise BadLayout("member-name")
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits != _UTF8 or info.header_offset != at:
        raise BadLayout("zip-layout")
    head = source.read(at, _LOCAL.size)
    if len(head) != _LOCAL.size:
        raise BadLayout("zip-layout")
    magic, _, flags, method, _, _, crc32, packed, size, name_size, extra_size = _LOCAL.unpack(head)
    rest = source.read(at + _LOCAL.size, name_size + extra_size)
    # With zip64 the header's own sizes are all ones, and the extra field holds them instead.
    sizes = (_ALL_ONES, _ALL_ONES) if extra_size else (info.file_size, info.file_size)
    extra = _WIDE.pack(1, 16, info.file_size, info.file_size) if extra_size else b""
    said = (magic, flags, method, crc32, packed, size, rest)
    expected = (b"PK\x03\x04", _UTF8, zipfile.ZIP_STORED, info.CRC, *sizes, info.filename.encode() + extra)
    if said != expected or info.compress_size != info.file_size:
        raise BadLayout("zip-layout")
    return Entry(info.filename, at + _LOCAL.size + len(rest), info.file_size)


class _Seekable(io.RawIOBase):
    """A reader as a file, for `zipfile`."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        target = base + offset
        if target < 0:
            raise ValueError("seek before the start")
        self._at = target
        return target

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
