"""What the tests of the pipelines share: a context, the bytes that come out, and small files to put in."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines import Finding, Kind, PipelineError, Replacement, deidentify
from pipelines.cleaned import Context
from pipelines.profile import profile_named
from pipelines.reader import BytesReader
from pipelines.segments import stream
from pipelines.terms import Term

Triangle = tuple[float, ...]

TETRAHEDRON: tuple[Triangle, ...] = (
    (0, 0, -1, 0, 0, 0, 0, 9.5, 0, 9.25, 0, 0),
    (0, -1, 0, 0, 0, 0, 9.25, 0, 0, 0, 0, 7.125),
    (-1, 0, 0, 0, 0, 0, 0, 0, 7.125, 0, 9.5, 0),
    (0.5, 0.5, 0.5, 9.25, 0, 0, 0, 9.5, 0, 0, 0, 7.125),
)


@dataclass(frozen=True, slots=True)
class Output:
    """A cleaned file in memory, and what was done to it."""

    data: bytes
    findings: tuple[Finding, ...]
    suffix: str

    @property
    def places(self) -> set[str]:
        """Where something was done."""
        return {finding.where for finding in self.findings}


def context(profile: str = "aligner", pixels_checked: bool = True, terms: frozenset[Term] = frozenset()) -> Context:
    """Return what a transfer's scans are cleaned with."""
    return Context(Replacement("P-7", bytes(32), 11), profile_named(profile), terms, pixels_checked)


def cleaned(data: bytes, kind: Kind, given: Context | None = None) -> Output:
    """Return the bytes that `deidentify` describes."""
    source = BytesReader(data)
    result = deidentify(source, kind, given or context())
    return Output(b"".join(stream(result.segments, source)), result.findings, result.suffix)


def cleaned_or_held(data: bytes, kind: Kind) -> tuple[bytes, str]:
    """Return what came out, or the text of the hold; any other exception is a fault."""
    try:
        return cleaned(data, kind).data, ""
    except PipelineError as error:
        return b"", str(error)


def binary_stl(header: bytes = b"", words: Iterable[int] = (0, 0, 0, 0), tail: bytes = b"", copies: int = 1) -> bytes:
    """Return a tetrahedron, `copies` times, with this header, these attribute words and this tail."""
    records = [struct.pack("<12fH", *triangle, word) for triangle, word in zip(TETRAHEDRON, words, strict=True)]
    return header.ljust(80, b"\0") + struct.pack("<I", 4 * copies) + b"".join(records) * copies + tail


def ascii_solid(name: bytes, end: bytes | None = None, newline: bytes = b"\n") -> bytes:
    """Return a tetrahedron as text under a name."""
    lines = [b"solid " + name]
    for triangle in TETRAHEDRON:
        numbers = [b"%.6e" % number for number in triangle]
        lines += [b"facet normal " + b" ".join(numbers[:3]), b"  outer loop"]
        lines += [b"    vertex " + b" ".join(numbers[at : at + 3]) for at in (3, 6, 9)]
        lines += [b"  endloop", b"endfacet"]
    return newline.join([*lines, b"endsolid " + (name if end is None else end), b""])


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 1, 2, 4)), content, method)
    return buffer.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return one PNG chunk with its CRC."""
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")
