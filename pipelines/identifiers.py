"""From what a form or a header says to the terms that are worth searching.

Words that name nobody, titles and placeholders, are left out: they would hold every case.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

from pipelines.spellings import is_date
from pipelines.terms import LONG, Term, TermKind, Terms, fold, is_long

_NAME_BREAK = re.compile(r"[\s^=,.;/\\_'’`\"()\-\u2010-\u2015・·]+")
_ADDRESS_BREAK = re.compile(r"[,;^\r\n]+")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MOST_OF_ONE = 1024
_SHORT_ID = 3


def of_name(text: str) -> Terms:
    """Return the words of a person's name in all its representations, and short names joined."""
    words: set[str] = set()
    for group in fold(text[:_MOST_OF_ONE]).split("="):
        parts = [word for component in group.split("^") for word in _telling(component)]
        words.update(word for word in parts if len(word) > 1)
        words.update(_joined(parts))
    return frozenset(Term(word, TermKind.NAME) for word in words)


def _telling(component: str) -> list[str]:
    """Return the words that name someone; a particle does where it is all of a family or given name."""
    words = [word for word in _NAME_BREAK.split(component) if word and not word.isdigit()]
    nobody = _nobody()
    if len(words) == 1 and nobody.get(words[0]) == "name":
        return words
    return [word for word in words if word not in nobody and (len(word) > 1 or _IDEOGRAPH.match(word))]


def of_id(text: str, shortest: int = 2) -> Terms:
    """Return an identifier, unless it is a placeholder or too short to be one."""
    return _whole(text, TermKind.ID, shortest)


def of_minor_id(text: str) -> Terms:
    """Return the number of a study, a request or an order, where it has a digit and some length."""
    return of_id(text, _SHORT_ID) if re.search("[0-9]", text) else frozenset()


def of_serial(text: str) -> Terms:
    """Return a device's serial number or name: a short one needs a digit and a letter to say which."""
    folded = fold(text.strip(" \0"))
    if len(folded) < LONG and not (re.search("[0-9]", folded) and len(folded) > _SHORT_ID):
        return frozenset()
    return _whole(text, TermKind.SERIAL, _SHORT_ID)


def of_institution(text: str) -> Terms:
    """Return an institution's name or address as a whole; its words are words of the trade."""
    return _whole(text, TermKind.INSTITUTION, LONG)


def of_date(text: str, kind: TermKind) -> Terms:
    """Return the day of a DICOM or ISO date or date and time, unless it is a placeholder."""
    day = re.sub(r"[-./:]", "", text.strip(" \0"))[:8]
    return frozenset((Term(day, kind),)) if is_date(day) else frozenset()


def of_phone(text: str) -> Terms:
    """Return the digits of a telephone number that is long enough to be somebody's."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    telling = 6 < len(digits) <= 20 and len(set(digits)) > 2
    return frozenset((Term(digits, TermKind.PHONE),)) if telling else frozenset()


def of_email(text: str) -> Terms:
    """Return an address and its local part, where that is not a function's name."""
    whole = _whole(text, TermKind.EMAIL, LONG)
    local = fold(text.strip()).partition("@")[0]
    return whole | (_whole(local, TermKind.EMAIL, LONG) if is_long(local) else frozenset())


def of_address(text: str) -> Terms:
    """Return an address as a whole, its parts that hold a number, and the street without its number."""
    terms = set(_whole(text, TermKind.ADDRESS, LONG))
    for part in _ADDRESS_BREAK.split(text):
        if not re.search("[0-9]", part):
            continue
        terms |= _whole(part, TermKind.ADDRESS, LONG + 1)
        street = re.sub(r"[0-9].*$", "", part).strip()
        if len(street) > LONG + 2:
            terms |= _whole(street, TermKind.ADDRESS, LONG)
    return frozenset(term for term in terms if not re.fullmatch(r"[0-9 \-]+", term.text))


def of_uid(text: str) -> Terms:
    """Return a UID that the standard does not define and that is long enough to be someone's."""
    uid = text.strip(" \0")
    own = re.fullmatch(r"[0-9]+(\.[0-9]+){2,}", uid) and not uid.startswith("1.2.840.10008.")
    return frozenset((Term(uid, TermKind.UID),)) if own and len(uid) > 8 else frozenset()


@cache
def _nobody() -> dict[str, str]:
    """Titles, particles and placeholders, and what each is when it stands alone."""
    table = (files("pipelines") / "nobody-words.csv").read_text("utf-8")
    return {row["word"]: row["alone"] for row in csv.DictReader(table.splitlines())}


def _whole(text: str, kind: TermKind, shortest: int) -> Terms:
    folded = " ".join(fold(text[:_MOST_OF_ONE]).strip(" \0^").split())
    nothing = folded in _nobody() or len(folded) < shortest or len(set(folded) - set(" -._^")) < 2
    return frozenset() if nothing else frozenset((Term(folded, kind),))


def _joined(parts: list[str]) -> set[str]:
    """Names whose parts are all short are only telling together; so are names without spaces."""
    if len(parts) < 2 or any(len(part) >= LONG for part in parts[:2]):
        return set()
    first, second = parts[0], parts[1]
    if _IDEOGRAPH.search(first):
        return {first + second}
    pairs = ((first, second), (second, first))
    return {mark.join(pair) for pair in pairs for mark in (" ", "^", ", ", "_", "-") if len(mark.join(pair)) >= LONG}
