"""Read age's ASCII armor, the strict PEM that people paste into mails. We never write it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from worker.sealing.errors import ArmorFailure

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_BLANK = b" \t\r\n"
_LONGEST = 1024
"""More white space before the armor than this, or a longer line, is not an armored file."""


def looks_armored(head: bytes) -> bool:
    """Return whether a file that starts with `head` can only be an armored one."""
    return head.lstrip(_BLANK).startswith(_BEGIN[:11])


def dearmor(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes inside the armor; white space around it is ignored, anything else is refused."""
    lines = _lines(chunks)
    if _first_line(lines) != _BEGIN:
        raise ArmorFailure("armor-begin")
    short = False
    for line in lines:
        if line == _END:
            break
        if short:
            raise ArmorFailure("armor-line")
        short = len(line) < _COLUMNS
        yield _decoded(line)
    else:
        raise ArmorFailure("armor-end")
    if any(line.strip(_BLANK) for line in lines):
        raise ArmorFailure("armor-trailing")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines without their ends, LF or CRLF; the last one may have none."""
    held = b""
    for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
        if len(held) > _LONGEST:
            raise ArmorFailure("armor-line")
    if held:
        yield held.removesuffix(b"\r")


def _first_line(lines: Iterator[bytes]) -> bytes:
    skipped = 0
    for line in lines:
        if line.strip(_BLANK):
            return line
        skipped += len(line) + 1
        if skipped > _LONGEST:
            break
    return b""


def _decoded(line: bytes) -> bytes:
    """Return the bytes of one line of canonical, padded base64."""
    if not line or len(line) > _COLUMNS:
        raise ArmorFailure("armor-line")
    try:
        raw = base64.b64decode(line, validate=True)
    except binascii.Error:
        raise ArmorFailure("armor-base64") from None
    if base64.b64encode(raw) != line:
        raise ArmorFailure("armor-base64")
    return raw
