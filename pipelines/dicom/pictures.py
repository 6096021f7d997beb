"""Which objects are pictures, into whose pixels somebody may have burned a name."""

from __future__ import annotations

_VOLUMES = frozenset(
    "1.2.840.10008.5.1.4.1.1." + end
    for end in (
        "2",  # CT Image
        "2.1",  # Enhanced CT Image
        "2.2",  # Legacy Converted Enhanced CT Image
        "13.1.2",  # X-Ray 3D Craniofacial Image
        "4",  # MR Image
        "4.1",  # Enhanced MR Image
        "4.4",  # Legacy Converted Enhanced MR Image
    )
)
_DERIVED = ("SECONDARY", "SCREEN")


def is_picture(sop_class: str, image_type: str, burned_in: str) -> bool:
    """Whether pixels may show text: all but slices of a volume that came from the scanner itself."""
    derived = any(word in part for part in image_type.upper().split("\\") for word in _DERIVED)
    return sop_class not in _VOLUMES or derived or burned_in.strip().upper() == "YES"
