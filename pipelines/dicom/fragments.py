"""Walk encapsulated pixel data and blank the texts in it (PS3.5 A.4).

Fragments keep their places and lengths, so that offset tables stay true: comments and application
segments are overwritten with zeros, everything else stays a range of the source.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.dicom.elements import EXPLICIT, ITEM, SEQUENCE_END, Element, Source, end_of
from pipelines.dicom.envelope import Fragments
from pipelines.dicom.writer import Writer
from pipelines.errors import Undecodable

Blank = tuple[int, int]
"""The bytes from the first to before the second are overwritten."""

_MOST_BLANKED = 1 << 24
_SOI, _SOS, _EOI, _COM, _APP0, _APP15, _APP8, _APP14 = 0xD8, 0xDA, 0xD9, 0xFE, 0xE0, 0xEF, 0xE8, 0xEE
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_J2K_START, _J2K_COM, _J2K_TILE = 0x4F, 0x64, 0x90
_JP2_SIGNATURE = b"\0\0\0\x0cjP  "
_KEPT_SEGMENTS = {
    _APP0: (b"JFIF\0", 14),  # version, density, no thumbnail
    _APP14: (b"Adobe", 12),  # says how colours are to be decoded
    _APP8: (b"mrfx", 5),  # the colour transform of JPEG-LS
}


def copy_fragments(source: Source, element: Element, kind: Fragments, out: Writer) -> tuple[int, bool]:
    """Write the fragments of `element`; return where it ends and whether anything was blanked."""
    out.open_sequence(element.tag, element.vr or "OB")
    blanks, at, first = _Blanks(), element.start, True
    while True:
        item = source.element(at, EXPLICIT)
        if item.tag == SEQUENCE_END:
            break
        if item.tag != ITEM:
            raise Undecodable("dicom-pixel-data")
        at = end_of(item, source.size)
        if not first:
            blanks.add(_texts(source, item.start, at, kind))
        first = False
    _copy(element.start, item.start, blanks.found, out)
    return item.start, bool(blanks.found)


class _Blanks:
    """What is to be blanked; a file of comments must not fill the memory."""

    def __init__(self) -> None:
        self.found: list[Blank] = []
        self._total = 0

    def add(self, blanks: Iterator[Blank]) -> None:
        for start, stop in blanks:
            self._total += stop - start
            if self._total > _MOST_BLANKED:
                raise Undecodable("dicom-limit")
            self.found.append((start, stop))


def _copy(start: int, stop: int, blanks: list[Blank], out: Writer) -> None:
    for begin, end in blanks:
        out.range(start, begin)
        out.raw(bytes(end - begin))
        start = end
    out.range(start, stop)


def _texts(source: Source, start: int, stop: int, kind: Fragments) -> Iterator[Blank]:
    head = source.read(start, min(12, stop - start))
    if kind is Fragments.JPEG and head[:2] == b"\xff\xd8":
        return _jpeg_texts(source, start + 2, stop)
    if kind is Fragments.JPEG2000 and head[:2] == b"\xff\x4f":
        return _j2k_texts(source, start + 2, stop)
    if head[:8] == _JP2_SIGNATURE:
        raise Undecodable("dicom-pixel-data")
    return iter(())


def _jpeg_texts(source: Source, at: int, stop: int) -> Iterator[Blank]:
    """Yield the payloads of comments and application segments before the first scan."""
    while True:
        marker, at = _marker(source, at, stop)
        if marker in (_SOS, _EOI):
            return
        if marker in _STANDALONE:
            continue
        begin, at = at + 2, _segment_end(source, at, stop)
        if (marker == _COM or _APP0 <= marker <= _APP15) and at > begin:
            kept = _kept(marker, source.read(begin, min(16, at - begin)), at - begin)
            if begin + kept < at:
                yield begin + kept, at


def _kept(marker: int, head: bytes, length: int) -> int:
    """Return how many bytes of a segment decoding needs."""
    signature, needed = _KEPT_SEGMENTS.get(marker, (b"-", 0))
    if head.startswith(signature) and (length == needed or marker == _APP14):
        return min(needed, length)
    return 0


def _j2k_texts(source: Source, at: int, stop: int) -> Iterator[Blank]:
    """Yield the texts of comment segments in the main header of a codestream."""
    while True:
        marker, at = _marker(source, at, stop)
        if marker in (_J2K_TILE, _EOI):
            return
        begin, at = at + 4, _segment_end(source, at, stop)
        if marker == _J2K_COM and at > begin:
            yield begin, at


def _marker(source: Source, at: int, stop: int) -> tuple[int, int]:
    """Return the marker at `at`, fill bytes skipped, and where its segment begins."""
    if at + 2 > stop or source.read(at, 1) != b"\xff":
        raise Undecodable("dicom-pixel-data")
    at += 1
    while True:
        if at >= stop:
            raise Undecodable("dicom-pixel-data")
        code = source.read(at, 1)[0]
        at += 1
        if code != 0xFF:
            return code, at


def _segment_end(source: Source, at: int, stop: int) -> int:
    if at + 2 > stop:
        raise Undecodable("dicom-pixel-data")
    length = int.from_bytes(source.read(at, 2), "big")
    if length < 2 or at + length > stop:
        raise Undecodable("dicom-pixel-data")
    return at + length
