"""Terms: what must not be found again in an output, and how it may be spelled.

A term comes from the order or from the incoming headers. Five characters or more are searched as a
part of anything; fewer only as a whole word of a text. A term's text is personal data: it is never
shown, logged or put into an error.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from pipelines.needles import Needle, Needles
from pipelines.spellings import six_digits, spellings_of_date, tail_of_phone

LONG = 5
_LONGEST = 256
_SHORTEST = 2
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe"})
_CODECS = (
    *("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5"),
    *("iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9", "iso8859_15", "tis_620", "shift_jis", "euc_jp"),
    *("iso2022_jp", "iso2022_jp_2", "euc_kr", "gb18030", "big5", "cp1251", "koi8_r", "cp437", "cp850"),
)
_ESCAPE = re.compile(rb"\x1b(?:\$?[()\-.][0-9A-Za-z]|\$[@A-B])")


class TermKind(StrEnum):
    """What a term is; a report may name the kind, never the term."""

    NAME = "name"
    ID = "id"
    BIRTH_DATE = "birth-date"
    DATE = "date"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    UID = "uid"
    SERIAL = "serial"
    INSTITUTION = "institution"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to search: folded text, a date as YYYYMMDD, a telephone number as digits."""

    text: str = field(repr=False)
    kind: TermKind


Terms = frozenset[Term]


def fold(text: str) -> str:
    """Return `text` without the differences of case, width and composition."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())


def spoken(folded: str) -> frozenset[str]:
    """Return `folded` as people write it with and without its accents."""
    if folded.isascii():
        return frozenset((folded,))
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if not unicodedata.combining(c))
    return frozenset((folded, unicodedata.normalize("NFC", bare), folded.translate(_UMLAUTS)))


def matches(text: str, terms: Terms, tag: int | None = None) -> bool:
    """Whether one value of a text attribute holds a term.

    A code string that the standard defines for the attribute `tag` (group << 16 | element) never does.
    """
    return bool(text) and _matched(text, terms, tag)


def is_defined(tag: int, component: str) -> bool:
    """Whether PS3.3 defines `component` as a code string of the attribute `tag`."""
    return component.strip(" \0").upper() in _defined().get(tag, frozenset())


@dataclass(frozen=True, slots=True)
class Compiled:
    """Terms made ready: `long` for any bytes in ASCII lower case, `short` for folded text."""

    long: Needles
    short: re.Pattern[str] | None
    kinds: dict[str, TermKind] = field(repr=False)


@lru_cache(maxsize=1 << 14)
def _matched(text: str, terms: Terms, tag: int | None) -> bool:
    if tag is not None and is_defined(tag, text):
        return False
    ready = compiled(terms)
    folded = "\n".join(spoken(fold(text)))
    if ready.short is not None and ready.short.search(folded):
        return True
    return next(ready.long.find(folded.encode("utf-8", "surrogatepass")), None) is not None


@lru_cache(maxsize=8)
def compiled(terms: Terms) -> Compiled:
    """Return `terms` ready for searching, in every spelling and encoding."""
    strings: set[Needle] = set()
    words: dict[str, TermKind] = {}
    uids: dict[bytes, str] = {}
    phones: set[Needle] = set()
    for term in terms:
        if term.kind is TermKind.UID:
            uids[term.text.encode()] = term.kind
            continue
        if term.kind is TermKind.PHONE:
            phones.add(Needle(tail_of_phone(term.text).encode(), term.kind))
            continue
        for spelling in _spellings(term):
            if is_long(spelling):
                strings.update(Needle(data, term.kind) for data in _encodings(spelling))
            else:
                words[spelling] = term.kind
        if term.kind is TermKind.BIRTH_DATE:
            words |= dict.fromkeys(six_digits(term.text), term.kind)
    return Compiled(Needles(strings, uids, phones), _words(words), words)


def is_long(text: str) -> bool:
    """Whether a term is telling enough to be searched in any bytes; three ideographs are."""
    return len(text) >= LONG or (len(text) > _SHORTEST and _IDEOGRAPHS.search(text) is not None)


def _spellings(term: Term) -> frozenset[str]:
    if term.kind in (TermKind.DATE, TermKind.BIRTH_DATE):
        return spellings_of_date(term.text)
    return spoken(term.text[:_LONGEST])


def _encodings(text: str) -> Iterator[bytes]:
    """Every form in bytes; UTF-16 of ASCII is left to the search, which narrows such text first."""
    if text.isascii():
        yield text.encode()
        return
    for codec in _CODECS:
        for cased in {text, text.upper(), text.title()}:
            try:
                data = _ESCAPE.sub(b"", cased.encode(codec)).lower()
            except UnicodeEncodeError:
                continue
            if len(data) >= LONG:
                yield data


def _words(words: Iterable[str]) -> re.Pattern[str] | None:
    """Whole words only; scripts that put no space between words are searched anywhere in a text."""
    anywhere = sorted(re.escape(word) for word in words if _IDEOGRAPHS.search(word))
    whole = sorted(re.escape(word) for word in words if not _IDEOGRAPHS.search(word))
    parts = [rf"(?<![^\W_])(?:{'|'.join(whole)})(?![^\W_])"] if whole else []
    return re.compile("|".join(parts + anywhere)) if words else None


def tag_of(written: str) -> int:
    """Return the tag that is written (gggg,eeee) in the tables of the standard."""
    group, element = written.strip("()").split(",")
    return int(group, 16) << 16 | int(element, 16)


@cache
def _defined() -> dict[int, frozenset[str]]:
    rows = (files("pipelines") / "standard" / "defined-terms.csv").read_text("utf-8")
    table: dict[int, set[str]] = {}
    for row in csv.DictReader(rows.splitlines()):
        table.setdefault(tag_of(row["tag"]), set()).add(row["term"])
    return {tag: frozenset(terms) for tag, terms in table.items()}
