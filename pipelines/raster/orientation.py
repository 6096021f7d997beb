"""The one thing of EXIF that a picture needs: which way is up (EXIF 2.32 section 4.6.4, tag 0112)."""

from __future__ import annotations

import struct

_UPRIGHT = 1
_SHORT = 3


def orientation(tiff: bytes) -> int:
    """Return the orientation in the first directory of an EXIF block, 1 where there is none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return _UPRIGHT
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    if at + 2 > len(tiff):
        return _UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, number, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == 0x0112 and kind == _SHORT and number == 1 and 1 <= value <= 8:
            return int(value)
    return _UPRIGHT


def block(value: int) -> bytes:
    """Return an EXIF block that holds the orientation `value` and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, _SHORT, 1, value, 0, 0)
