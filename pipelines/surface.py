"""Rewrite a binary STL surface so that nothing but geometry is left, the triangles byte for byte.

80 bytes of free text, a triangle count, then 50 bytes a triangle of which the last two are an attribute
word; scanners put serial numbers and names into the text, exporters anything after the last triangle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.cleaned import Context, Deidentified
from pipelines.errors import Undecodable
from pipelines.reader import Blanked, Reader
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range
from pipelines.terms import compiled

_HEADER, _START, _TRIANGLE, _WORD = 80, 84, 50, 48
_CHUNK = _TRIANGLE * 5000
_OVERLAP = 512

# Magics: the header says COLOR= and four bytes RGBA, perhaps MATERIAL= and three times RGBA. An alpha
# that is neither clear nor opaque is more likely text.
_ALPHA = rb"[\x00\xff]"
_COLOUR = re.compile(
    rb"COLOR=(?P<colour>.{3}" + _ALPHA + rb")(?:,?MATERIAL=(?P<material>(?:.{3}" + _ALPHA + rb"){3}))?",
    re.DOTALL,
)


def clean(source: Reader, context: Context) -> Deidentified:
    """Rewrite the header and drop what follows the last triangle; the records stay byte for byte.

    Attribute words stay only where they are colours by a known convention; otherwise they read zero.
    """
    head = source.read(0, _START)
    count = int.from_bytes(head[_HEADER:], "little")
    end = _START + count * _TRIANGLE
    if count == 0:
        raise Undecodable("stl-empty")
    if source.size < end:
        raise Undecodable("stl-truncated")
    findings = [Finding("header", Action.Z, "free-text"), Finding(f"{count} triangles", Action.K, "verbatim")]
    header, body = bytes(_HEADER), Range(_START, end)
    colour = _COLOUR.search(head[:_HEADER])
    words = _look_at(source, end)
    if words.used and _are_colours(source, end, words, colour is not None, context):
        header = _colour_header(colour)
        findings.append(Finding("attribute words", Action.K, "colour"))
    elif words.used:
        body = Range(0, end - _START, (Blanked(_START, end, _WORD, _TRIANGLE, 2),))
        findings.append(Finding("attribute words", Action.Z, "unexplained"))
    if not words.finite:
        findings.append(Finding("coordinates", Action.K, "not-finite"))
    if source.size > end:
        findings.append(Finding("trailing bytes", Action.X, "outside-the-format"))
    return Deidentified((Literal(header + head[_HEADER:]), body), tuple(findings), ".stl")


@dataclass(frozen=True, slots=True)
class _Look:
    """What one pass over the records showed.

    `flagged`: all attribute words in use have bit 15 set, as VisCAM and SolidView mark a colour.
    """

    finite: bool
    used: bool
    flagged: bool


def _look_at(source: Reader, end: int) -> _Look:
    finite, used, flagged = True, False, True
    for records in _records(source, end):
        finite = finite and _is_finite(records)
        low, high = records[_WORD::_TRIANGLE], records[_WORD + 1 :: _TRIANGLE]
        if low.count(0) + high.count(0) < len(low) + len(high):
            used = True
            flagged = flagged and _is_flagged(low, high)
    return _Look(finite, used, flagged)


def _records(source: Reader, end: int) -> Iterator[bytes]:
    for at in range(_START, end, _CHUNK):
        records = source.read(at, min(_CHUNK, end - at))
        if len(records) != min(_CHUNK, end - at):
            raise Undecodable("source-truncated")
        yield records


def _is_finite(records: bytes) -> bool:
    """Whether no vertex has an exponent of all ones, looked at column by column."""
    for column in range(12, _WORD, 4):
        high = records[column + 3 :: _TRIANGLE]
        if 0x7F in high or 0xFF in high:
            pairs = zip(high, records[column + 2 :: _TRIANGLE], strict=True)
            if any(top & 0x7F == 0x7F and next_ & 0x80 for top, next_ in pairs):
                return False
    return True


_UNFLAGGED = bytes(0xFF if high < 0x80 else 0 for high in range(256))


def _is_flagged(low: bytes, high: bytes) -> bool:
    mask = int.from_bytes(high.translate(_UNFLAGGED), "little")
    return not mask & (int.from_bytes(low, "little") | int.from_bytes(high, "little"))


def _are_colours(source: Reader, end: int, words: _Look, marked: bool, context: Context) -> bool:
    """Whether the words are colours by Magics' marker or VisCAM's bit, and do not spell a term."""
    if not (marked or words.flagged):
        return False
    needles = compiled(context.terms).long
    rest = b""
    for records in _records(source, end):
        words_here = bytearray(len(records) // _TRIANGLE * 2)
        words_here[::2], words_here[1::2] = records[_WORD::_TRIANGLE], records[_WORD + 1 :: _TRIANGLE]
        text = rest + bytes(words_here).lower()
        if any(next(needles.find(form), None) for form in _both_orders(text)):
            return False
        rest = text[-_OVERLAP:]
    return True


def _both_orders(words: bytes) -> tuple[bytes, bytes]:
    swapped = bytearray(len(words))
    swapped[::2], swapped[1::2] = words[1::2], words[::2]
    return words, bytes(swapped)


def _colour_header(colour: re.Match[bytes] | None) -> bytes:
    if colour is None:
        return bytes(_HEADER)
    marker = b"COLOR=" + colour["colour"]
    if colour["material"]:
        marker += b",MATERIAL=" + colour["material"]
    return marker.ljust(_HEADER, b"\0")
