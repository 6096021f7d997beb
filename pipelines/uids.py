"""Replace unique identifiers: the same one everywhere in a subject's domain, another one elsewhere.

The replacement is HMAC-SHA-256 under the domain's UID key, written as the UUID-derived UID of PS3.5 B.2.
"""

from __future__ import annotations

import hmac
import re

# Standard UIDs are short numbers under the root of DICOM; a longer component could hide an identifier.
_STANDARD = re.compile(r"1\.2\.840\.10008(\.(0|[1-9][0-9]{0,3})){1,12}")
# Well-known frames of reference, palettes and time references are shared by everybody, although the
# attributes that hold them are listed for replacement (PS3.6 Annex A).
_WELL_KNOWN = re.compile(r"1\.2\.840\.10008\.(1\.[45]|15\.1)(\.[1-9][0-9]{0,3})+")
_VERSION, _VARIANT = 8 << 76, 2 << 62
_UUID_BITS = ~((0xF << 76) | (3 << 62))


class Uids:
    """The replacements under one key; each is worked out once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def replaced(self, uid: str) -> str:
        """Return the replacement of `uid`, which need not be well formed."""
        found = self._known.get(uid)
        if found is None:
            digest = hmac.digest(self._key, uid.encode("utf-8", "surrogatepass"), "sha256")
            number = (int.from_bytes(digest[:16], "big") & _UUID_BITS) | _VERSION | _VARIANT
            found = self._known[uid] = f"2.25.{number}"
        return found

    def unless_standard(self, uid: str) -> str:
        """Return `uid` where it is one that DICOM defines, else its replacement."""
        return uid if is_standard(uid) else self.replaced(uid)

    def unless_well_known(self, uid: str) -> str:
        """Return `uid` where it names something that everybody shares, else its replacement."""
        return uid if _WELL_KNOWN.fullmatch(uid) else self.replaced(uid)


def is_standard(uid: str) -> bool:
    """Whether `uid` has the form of one that DICOM itself defines (PS3.6 Annex A)."""
    return len(uid) <= 64 and _STANDARD.fullmatch(uid) is not None
