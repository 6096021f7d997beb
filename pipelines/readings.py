"""What the bytes of a value may say as text, in the character sets that were or were not declared."""

from __future__ import annotations

import re
import warnings

from pydicom import charset as sets

FORMATTED = frozenset(("AS", "DA", "DS", "DT", "IS", "TM", "UI"))
"""VRs whose values are numbers by their form: a short number in them says nothing."""

TEXT = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UR", "UT")) | FORMATTED

_PRINTABLE = re.compile(rb"[\t\r\n\f\x1b\x20-\x7e\x80-\xff]*\0*")
_DELIMITERS = set(b"\\^=\r\n\t\f")
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def is_plain(value: bytes) -> bool:
    """Whether `value` reads the same in every character set."""
    return value.isascii() and b"\x1b" not in value


def is_printable(value: bytes) -> bool:
    """Whether `value` of an unknown VR may be text."""
    return _PRINTABLE.fullmatch(value) is not None


def texts(value: bytes, charset: bytes = b"") -> tuple[str, ...]:
    """Return what `value` says in its declared character set, and in UTF-8 where it is that as well."""
    out = [_declared(value, charset)] if charset else []
    try:
        if b"\x1b" not in value or not charset:
            out.append(value.decode("utf-8"))
    except UnicodeDecodeError:
        out = out or [value.decode("latin-1")]
    if "\\u" in out[-1]:
        out.append(_JSON_ESCAPE.sub(lambda match: chr(int(match[1], 16)), out[-1]))
    return tuple(dict.fromkeys(out))


def _declared(value: bytes, charset: bytes) -> str:
    """Decode by SpecificCharacterSet (PS3.5 6.1.2), code extensions included; never raises."""
    names = charset.decode("latin-1").strip(" \0").split("\\")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            codecs = sets.convert_encodings([name.strip() for name in names])
            return sets.decode_bytes(value, codecs, _DELIMITERS)
        except (LookupError, ValueError, TypeError, AttributeError):
            return value.decode("latin-1")
