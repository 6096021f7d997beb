"""When two enrolments are about the same subject: issuer and patient id, however they are typed.

Spellings of one id meet: compatibility forms, case, dashes, invisible characters, white space.
Different ids never do: nothing is guessed, no leading zero dropped, names are not looked at.
"""

from __future__ import annotations

import unicodedata
from datetime import date

from keys.cipher import keyed
from keys.errors import KeysRefused

_MINUS = "\N{MINUS SIGN}"


def canonical(text: str) -> str:
    """Return the one spelling under which `text` is looked up."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    seen = (_unified(character) for character in folded)
    return " ".join("".join(seen).split())


def blind_index(key: bytes, issuer: str, patient_id: str) -> bytes:
    """Return the keyed hash under which a subject is found; refuse an id with nothing in it."""
    if not canonical(patient_id):
        raise KeysRefused("patient-id-empty")
    return keyed(key, canonical(issuer), canonical(patient_id))


def conflicting(known: str | None, stated: str | None) -> bool:
    """Say whether two birth dates cannot be one person's; an absent one contradicts nothing."""
    if not known or not stated:
        return False
    return date.fromisoformat(known) != date.fromisoformat(stated)


def _unified(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return "-" if category == "Pd" or character == _MINUS else character
