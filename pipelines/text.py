"""Read text in the character sets of DICOM (PS3.3 C.12.1.1.2), code extensions included.

Only to look into values: what is kept stays in the bytes it came in.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_ESCAPE = re.compile(rb"(\x1b(?:\$[()][A-D]|\$[@AB]|[()\-][A-Za-z]))")
_JAPANESE = frozenset({"iso2022_jp", "iso2022_jp_2"})
_SPELLING = re.compile(r"ISO[ _-]*(2022)?[ _-]*IR[ _-]*(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Charset:
    """A declared SpecificCharacterSet (0008,0005): defined terms as the standard spells them."""

    terms: tuple[str, ...] = ()

    def decode(self, raw: bytes) -> str | None:
        """Return the text, or None where `raw` is not text in this character set."""
        if b"\x1b" not in raw:
            return _decoded(raw, self._base())
        base, parts = self._base(), _ESCAPE.split(raw)
        texts = [_decoded(parts[0], base)]
        for escape, part in zip(parts[1::2], parts[2::2], strict=True):
            codec = _tables().escapes.get(escape)
            if codec is None:
                return None
            texts.append(_decoded(escape + part if codec in _JAPANESE else part, codec))
        if None in texts:
            return None
        whole = "".join(text or "" for text in texts)
        return None if "\x1b" in whole else whole

    def _base(self) -> str:
        codec = _tables().codecs[self.terms[0]] if self.terms and self.terms[0] else "ascii"
        return "ascii" if codec in _JAPANESE else codec


def charset(declared: str) -> Charset | None:
    """Return what `declared` means, common misspellings mended, or None where DICOM has no such term."""
    terms = tuple(_mended(part.strip(" \0")) for part in declared.split("\\"))
    if any(term and term not in _tables().codecs for term in terms):
        return None
    return Charset(terms if any(terms) else ())


def _mended(term: str) -> str:
    folded = term.upper()
    found = _SPELLING.fullmatch(folded)
    if found is None:
        return {"UTF-8": "ISO_IR 192", "UTF8": "ISO_IR 192"}.get(folded, folded)
    return f"ISO 2022 IR {found[2]}" if found[1] else f"ISO_IR {found[2]}"


@dataclass(frozen=True, slots=True)
class _Tables:
    codecs: Mapping[str, str]
    escapes: Mapping[bytes, str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    table = (files("pipelines") / "standard" / "character-sets.csv").read_text("utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    return _Tables(
        {row["term"]: row["codec"] for row in rows},
        {bytes.fromhex(row["escape"]): row["codec"] for row in rows if row["escape"]},
    )


def _decoded(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None
