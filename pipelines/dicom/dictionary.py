"""What PS3.6 says about a public attribute: its VR and its keyword.

The table is pydicom's; nothing else of that library takes part in cleaning.
"""

from __future__ import annotations

from functools import lru_cache

from pydicom._dicom_dict import DicomDictionary

# Where the dictionary allows several VRs, the one that any value fits.
_CHOICES = {
    "US or SS": "US",
    "US or OW": "OW",
    "US or SS or OW": "OW",
    "OB or OW": "OW",
}


def vr_of(tag: int) -> str | None:
    """Return the VR of the attribute, or None where the dictionary does not know it."""
    row = DicomDictionary.get(tag)
    if row is None or row[0] == "NONE":
        return None
    return _CHOICES.get(row[0], row[0])


@lru_cache(maxsize=1 << 12)
def named(tag: int) -> str:
    """Return `Keyword (gggg,eeee)`, or the tag alone where there is no keyword."""
    row = DicomDictionary.get(tag)
    written = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"{row[4]} {written}" if row is not None and row[4] else written
