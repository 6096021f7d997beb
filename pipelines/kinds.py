"""Recognise what a file is by its content, never by its name.

A `Format` is what the bytes are, a `Kind` what a report calls it. Formats that no pipeline cleans carry
the code of the hold. Whatever looks like nothing here is unknown, and unknown is held.
"""

from __future__ import annotations

import re
import struct
from enum import StrEnum

from pipelines.errors import PipelineError
from pipelines.reader import Reader

_HEAD = 1 << 16
_STL_HEADER, _STL_TRIANGLE = 84, 50
_STL_SAMPLE = 32


class Kind(StrEnum):
    """The kinds a report names."""

    DICOM = "dicom"
    STL = "stl"
    PLY = "ply"
    OBJ = "obj"
    THREEMF = "3mf"
    IMAGE = "image"
    PDF = "pdf"
    ARCHIVE = "archive"
    UNKNOWN = "unknown"


class Format(StrEnum):
    """What the bytes are."""

    DICOM = "dicom"
    STL_BINARY = "stl-binary"
    STL_ASCII = "stl-ascii"
    JPEG = "jpeg"
    PNG = "png"
    OTHER_IMAGE = "other-image"
    ZIP = "zip"
    OTHER_ARCHIVE = "other-archive"
    THREEMF = "3mf"
    PLY = "ply"
    OBJ = "obj"
    PDF = "pdf"
    HPS = "hps"
    XML = "xml"
    EMPTY = "empty"
    UNKNOWN = "unknown"

    @property
    def kind(self) -> Kind:
        """What a report calls it."""
        return _KINDS.get(self, Kind.UNKNOWN)

    @property
    def problem(self) -> str | None:
        """The code of the hold where no pipeline cleans this format."""
        return _PROBLEMS.get(self)


_KINDS = {
    Format.DICOM: Kind.DICOM,
    Format.STL_BINARY: Kind.STL,
    Format.STL_ASCII: Kind.STL,
    Format.JPEG: Kind.IMAGE,
    Format.PNG: Kind.IMAGE,
    Format.OTHER_IMAGE: Kind.IMAGE,
    Format.ZIP: Kind.ARCHIVE,
    Format.OTHER_ARCHIVE: Kind.ARCHIVE,
    Format.THREEMF: Kind.THREEMF,
    Format.PLY: Kind.PLY,
    Format.OBJ: Kind.OBJ,
    Format.PDF: Kind.PDF,
}

_PROBLEMS = {
    Format.OTHER_IMAGE: "image-format-unsupported",
    Format.OTHER_ARCHIVE: "archive-format-unsupported",
    Format.THREEMF: "3mf-not-supported",
    Format.PLY: "ply-not-supported",
    Format.OBJ: "obj-not-supported",
    Format.PDF: "pdf-not-supported",
    Format.HPS: "hps-not-supported",
    Format.XML: "xml-not-supported",
    Format.EMPTY: "empty-file",
    Format.UNKNOWN: "unknown-format",
}

_MAGIC = (
    (Format.JPEG, re.compile(rb"\xff\xd8\xff")),
    (Format.PNG, re.compile(rb"\x89PNG\r\n\x1a\n")),
    (Format.ZIP, re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
    (Format.OTHER_IMAGE, re.compile(rb"II[*+]\x00|MM\x00[*+]|GIF8[79]a|RIFF....WEBP", re.DOTALL)),
    (Format.OTHER_IMAGE, re.compile(rb"BM.{4}\x00{4}.{3}\x00[\x0c-\x80]\x00\x00\x00", re.DOTALL)),
    (Format.OTHER_IMAGE, re.compile(rb"....ftyp(?:hei|hev|mif1|msf1|avi[fs])", re.DOTALL)),
    (Format.OTHER_IMAGE, re.compile(rb"\x00\x00\x00\x0c(?:jP  |JXL )\r\n\x87\n|\xff\x4f\xff\x51|\xff\x0a")),
    (
        Format.OTHER_ARCHIVE,
        re.compile(rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\x00"),
    ),
    (Format.OTHER_ARCHIVE, re.compile(rb".{257}ustar", re.DOTALL)),
    (Format.PLY, re.compile(rb"ply[\r\n]")),
    (Format.PDF, re.compile(rb".{0,1019}%PDF-", re.DOTALL)),
)

_TEXT = (
    (Format.HPS, re.compile(r"(?:<[?!][^>]*>\s*)*<HPS[\s>]")),
    (Format.XML, re.compile(r"<(?:\?xml|!--|!DOCTYPE|[A-Za-z_])")),
    (Format.STL_ASCII, re.compile(r"solid\b[^\n\r]*[\n\r]\s*(?:facet\s+normal|endsolid)\b", re.IGNORECASE)),
    (
        Format.OBJ,
        re.compile(
            r"(?:(?:#[^\n]*|(?:mtllib|usemtl|newmtl|[gos])\b[^\n]*|[^\S\n]*)\n)*+"
            r"(?:v(?:[ \t]+-?\d\S*){3}|K[ads][ \t]|illum[ \t]|N[si][ \t]|map_K[ads][ \t])"
        ),
    ),
)


def identify(reader: Reader) -> Format:
    """Return what the bytes of `reader` are."""
    head = reader.read(0, _HEAD)
    if not head:
        return Format.EMPTY
    if head[128:132] == b"DICM":
        return Format.DICOM
    found = next((form for form, magic in _MAGIC if magic.match(head)), None)
    if found is Format.ZIP and _is_threemf(reader):
        return Format.THREEMF
    if found is not None:
        return found
    if _is_dicom_without_preamble(head):
        return Format.DICOM
    if _is_binary_stl(reader, head):
        return Format.STL_BINARY
    return _identify_text(head)


def recognise(reader: Reader) -> Kind:
    """Return what a report calls the content of `reader`."""
    return identify(reader).kind


def _identify_text(head: bytes) -> Format:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = head.decode(encoding, "replace").lstrip().replace("\r\n", "\n")
    return next((form for form, pattern in _TEXT if pattern.match(text)), Format.UNKNOWN)


def _is_threemf(reader: Reader) -> bool:
    from pipelines.archive import names

    try:
        return "3d/3dmodel.model" in {name.casefold().lstrip("/") for name in names(reader)}
    except PipelineError:
        return False


def _is_dicom_without_preamble(head: bytes) -> bool:
    """Whether three elements open the data set (PS3.5 section 7.1): ascending, the first of group 2 or 8."""
    order = "<" if head[:2] in (b"\x02\x00", b"\x08\x00") else ">"
    at, last = 0, -1
    for _ in range(3):
        if len(head) < at + 8:
            return False
        group, element = struct.unpack_from(f"{order}HH", head, at)
        tag = group << 16 | element
        if not last < tag or (last < 0 and group not in (2, 8)):
            return False
        last, at = tag, _after_element(head, at, order)
        if at > len(head):
            return False
    return True


def _after_element(head: bytes, at: int, order: str) -> int:
    """Return the offset behind a short first element, or one behind the head where it is none."""
    vr = head[at + 4 : at + 6]
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT") and len(head) >= at + 12:
        return at + 12 + int(struct.unpack_from(f"{order}I", head, at + 8)[0])
    if re.fullmatch(rb"AE|AS|CS|D[AST]|IS|L[OT]|PN|S[HLST]|TM|U[ILS]", vr):
        return at + 8 + int(struct.unpack_from(f"{order}H", head, at + 6)[0])
    return at + 8 + int(struct.unpack_from(f"{order}I", head, at + 4)[0])


def _is_binary_stl(reader: Reader, head: bytes) -> bool:
    """Whether the count at byte 80 is the file's size, or the triangles at both ends hold plausible numbers.

    The second form is for trailing bytes and for truncated files: an unknown binary format whose bytes
    happen to give a small count must not pass as geometry.
    """
    count = int.from_bytes(head[80:_STL_HEADER], "little")
    end = _STL_HEADER + count * _STL_TRIANGLE
    if not count or len(head) < _STL_HEADER + _STL_TRIANGLE or end > 4 * reader.size:
        return False
    if end == reader.size:
        return True
    whole = (min(end, reader.size) - _STL_HEADER) // _STL_TRIANGLE
    sample = min(_STL_SAMPLE, whole)
    first = reader.read(_STL_HEADER, sample * _STL_TRIANGLE)
    last = reader.read(_STL_HEADER + (whole - sample) * _STL_TRIANGLE, sample * _STL_TRIANGLE)
    return _plausible(first) and _plausible(last)


def _plausible(triangles: bytes) -> bool:
    numbers: list[float] = [x for record in struct.iter_unpack("<12f2x", triangles) for x in record]
    good = [x for x in numbers if x == 0 or 1e-30 < abs(x) < 1e7]
    return len(good) * 10 >= len(numbers) * 9
