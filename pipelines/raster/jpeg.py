"""Rewrite a JPEG (ITU-T T.81 Annex B): tables, frame and scans stay, what applications added goes.

Phones write position, owner and a thumbnail into APP1, editors a history into APP13, anything into
COM and behind the end of the image. Segments that stay have lengths that follow from their own
content, so that nothing rides behind a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.cleaned import Deidentified
from pipelines.errors import Undecodable
from pipelines.raster.colour import rewritten
from pipelines.raster.orientation import block, orientation
from pipelines.raster.ranges import joined
from pipelines.reader import Reader
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range

_SOI, _EOI, _SOS, _DNL = b"\xff\xd8", 0xD9, 0xDA, 0xDC
_DHT, _DQT, _DRI, _DAC, _COM = 0xC4, 0xDB, 0xDD, 0xCC, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, 0xC8, _DAC}
_APPLICATIONS = range(0xE0, 0xF0)
_JPEG_LS = 0xF7
_ICC = "APP2 ICC"
_SEGMENTS = 10_000
_CHUNK = 1 << 18
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


@dataclass(frozen=True, slots=True)
class _Part:
    """A marker segment, `start` at its marker; of a scan header also the scan behind it."""

    code: int
    start: int
    stop: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Note:
    """What of a segment of an application is left: its name, the bytes rewritten, which way is up."""

    name: str
    kept: bytes
    whole: bool
    up: int


def clean(source: Reader) -> Deidentified:
    """Keep what decodes to the same pixels, and of the rest which way is up and the colours' numbers."""
    notes: list[_Note] = []
    image: list[Range] = []
    codes: set[int] = set()
    profile: dict[int, bytes] = {}
    for part in _parts(source):
        codes.add(part.code)
        if part.code in _APPLICATIONS or part.code == _COM:
            notes.append(_note(part))
            if notes[-1].name == _ICC and part.payload[12:13] in (b"\1", b"\2"):
                profile.setdefault(part.payload[12], part.payload[14:])
        else:
            _check(part)
            image.append(Range(part.start, part.stop))
    if _EOI not in codes:
        raise Undecodable("jpeg-truncated")
    if _SOS not in codes or not codes & _FRAMES:
        raise Undecodable("jpeg-damaged")
    head, findings = _opening(notes, rewritten(b"".join(profile[key] for key in sorted(profile))) or b"")
    if image[-1].stop < source.size:
        findings.append(Finding("trailing bytes", Action.X, "outside-the-format"))
    return Deidentified((Literal(head), *joined(image)), tuple(findings), ".jpg")


def _opening(notes: Sequence[_Note], profile: bytes) -> tuple[bytes, list[Finding]]:
    """Return what stands before the tables, and what of the segments of applications was dropped."""
    kept = {"JFIF": b"", "Adobe": b""}
    for note in notes:
        if note.name in kept:
            kept[note.name] = kept[note.name] or note.kept
    dropped = dict.fromkeys(note.name for note in notes if not note.whole)
    findings = [Finding(name, Action.X, "metadata") for name in dropped if not (profile and name == _ICC)]
    if profile:
        findings.append(Finding(_ICC, Action.C, "colour"))
    up = max([1, *(note.up for note in notes)])
    if up != 1:
        findings.append(Finding("EXIF Orientation", Action.K, "orientation"))
    return _SOI + kept["JFIF"] + _exif(up) + _icc(profile) + kept["Adobe"], findings


def _note(part: _Part) -> _Note:
    name, kept = _application(part)
    return _Note(name, kept, len(kept) == part.stop - part.start, _orientation(part))


def _parts(source: Reader) -> Iterator[_Part]:
    """Yield the marker segments up to the end of the image, or to the end of the source."""
    at = 2
    for _ in range(_SEGMENTS):
        start, code = _marker(source, at)
        if code is None:
            return
        if code == _EOI:
            yield _Part(code, start, start + 2, b"")
            return
        length = int.from_bytes(source.read(start + 2, 2), "big")
        payload = source.read(start + 4, max(0, length - 2))
        if length < 2 or len(payload) != length - 2:
            raise Undecodable("jpeg-truncated" if start + 2 + length > source.size else "jpeg-damaged")
        at = start + 2 + length
        if code == _SOS:
            at = _behind_scan(source, at)
        yield _Part(code, start, at, payload)
    raise Undecodable("jpeg-damaged")


def _marker(source: Reader, at: int) -> tuple[int, int | None]:
    """Return where the next marker starts, fill bytes skipped, and its code; None at the end."""
    while True:
        pair = source.read(at, 2)
        if len(pair) < 2:
            return at, None
        if pair[0] != 0xFF or pair[1] in (0x00, 0x01) or 0xD0 <= pair[1] <= 0xD8:
            raise Undecodable("jpeg-damaged")
        if pair[1] != 0xFF:
            return at, pair[1]
        at += 1


def _behind_scan(source: Reader, at: int) -> int:
    """Return the offset of the marker that ends the entropy-coded data at `at`."""
    while at < source.size:
        chunk = source.read(at, _CHUNK)
        found = _NEXT_MARKER.search(chunk)
        if found is not None:
            return at + found.start()
        at += max(1, len(chunk) - 1)
    return source.size


def _check(part: _Part) -> None:
    """Raise `Undecodable` unless the segment is known and as long as its content says."""
    if part.code == _JPEG_LS:
        raise Undecodable("image-format-unsupported")
    if not any(len(part.payload) == length for length in _lengths(part)):
        raise Undecodable("jpeg-damaged")


def _lengths(part: _Part) -> Iterator[int]:
    payload, code = part.payload, part.code
    if code in _FRAMES and len(payload) > 5:
        yield 6 + 3 * payload[5]
    elif code == _SOS and payload:
        yield 4 + 2 * payload[0]
    elif code in (_DRI, _DNL):
        yield 2
    elif code == _EOI:
        yield 0
    elif code == _DAC:
        yield from range(2, 65, 2)
    elif code in (_DQT, _DHT):
        yield _tables(payload, code)


def _tables(payload: bytes, code: int) -> int:
    """Return the length of the quantization or Huffman tables that open `payload` (B.2.4)."""
    at = 0
    while at < len(payload):
        if code == _DQT:
            at += 1 + (128 if payload[at] >> 4 else 64)
        else:
            at += 17 + sum(payload[at + 1 : at + 17])
    return at


def _application(part: _Part) -> tuple[str, bytes]:
    """Return the segment's name and what of it is kept: nothing that is free."""
    payload = part.payload
    if part.code == 0xE0 and payload[:5] == b"JFIF\0" and len(payload) >= 14:
        return "JFIF", b"\xff\xe0\x00\x10" + payload[:12] + b"\0\0"
    if part.code == 0xEE and payload[:5] == b"Adobe" and len(payload) >= 12:
        return "Adobe", b"\xff\xee\x00\x0e" + payload[:12]
    if part.code == _COM:
        return "COM", b""
    number = f"APP{part.code - _APPLICATIONS.start}"
    known = ((b"Exif\0", " EXIF"), (b"http://ns.adobe.com/", " XMP"), (b"ICC_PROFILE\0", " ICC"))
    return number + next((name for magic, name in known if payload.startswith(magic)), ""), b""


def _orientation(part: _Part) -> int:
    if part.code != 0xE1 or part.payload[:5] != b"Exif\0":
        return 1
    return orientation(part.payload[6:])


def _icc(profile: bytes) -> bytes:
    """Return the segment of a profile, which is short enough for one (ICC.1 B.4)."""
    body = b"ICC_PROFILE\0\1\1" + profile
    return b"\xff\xe2" + (len(body) + 2).to_bytes(2, "big") + body if profile else b""


def _exif(up: int) -> bytes:
    if up == 1:
        return b""
    body = b"Exif\0\0" + block(up)
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
