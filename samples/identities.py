"""Invented identities, and the record of where each of their words was hidden."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

VISIT = "20260914"
"""The day of every scan of a case."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One invented patient with dentist, clinic and machines; dates are written YYYYMMDD."""

    charset: str
    codec: str
    person_name: str
    family: str
    given: str
    latin_family: str
    latin_given: str
    other_name: str
    birth_name: str
    mother: str
    birth_date: str
    sex: str
    age: str
    patient_id: str
    issuer: str
    insurance_id: str
    street: str
    city: str
    postcode: str
    country: str
    phone: str
    email: str
    occupation: str
    dentist: str
    dentist_words: tuple[str, ...]
    referrer: str
    referrer_words: tuple[str, ...]
    operator: str
    operator_words: tuple[str, ...]
    clinic: str
    clinic_address: str
    clinic_words: tuple[str, ...]
    clinic_phone: str
    clinic_domain: str
    ae_title: str
    station: str
    serial: str
    accession: str

    @property
    def address(self) -> str:
        """The patient's address on one line."""
        return f"{self.street}, {self.postcode} {self.city}"

    @property
    def latin(self) -> str:
        """The name as a file name carries it."""
        return f"{self.latin_family}_{self.latin_given}"

    @property
    def bare_id(self) -> str:
        """The patient's id as a code string allows it: letters and digits."""
        return "".join(sign for sign in self.patient_id if sign.isalnum())

    def words(self) -> tuple[str, ...]:
        """Return every word by which the case could be traced, each once."""
        names = (self.person_name, self.other_name, self.birth_name, self.mother)
        parts = [word for name in names for group in name.split("=") for word in group.split("^") if word]
        dates = [spelling for day in (self.birth_date, VISIT) for spelling in _spellings(day)]
        single = (
            *(self.latin_family, self.latin_given, self.patient_id, self.bare_id, self.insurance_id),
            self.issuer,
            *(self.street, self.city, f"{self.postcode} {self.city}", self.phone, self.email, self.occupation),
            *(self.clinic, self.clinic_phone, self.clinic_domain, self.ae_title, self.station, self.serial),
            *(self.accession, *self.dentist_words, *self.referrer_words, *self.operator_words),
            *self.clinic_words,
        )
        return tuple(dict.fromkeys([*parts, *single, *dates]))


def _spellings(day: str) -> tuple[str, ...]:
    year, month, date = day[:4], day[4:6], day[6:]
    return (day, f"{year}-{month}-{date}", f"{date}.{month}.{year}", f"{year}:{month}:{date}")


def read() -> tuple[Identity, ...]:
    """Return all identities, the first patient first."""
    text = files("samples").joinpath("identities.toml").read_text("utf-8")
    return tuple(_typed(row) for row in tomllib.loads(text)["identity"])


def _typed(row: dict[str, Any]) -> Identity:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Identity(**fields)


@dataclass(frozen=True, slots=True)
class Planted:
    """A word of an identity, and where it hides: a file of the case, a place in it, how it is written there.

    `encoding` is a codec's name; where it is None the word is drawn, as dots of a picture.
    """

    word: str
    path: str
    place: str
    encoding: str | None

    @property
    def written(self) -> bytes | None:
        """The bytes that stand in the file, or None for a word that is drawn."""
        return None if self.encoding is None else self.word.encode(self.encoding)


class Planter:
    """Collects what is planted while the files of one case are written."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._words = identity.words()
        self._planted: list[Planted] = []

    def note(self, path: str, place: str, text: str, encoding: str | None = "utf-8") -> None:
        """Record every word of the identity that `text`, written at `place`, holds."""
        self._planted += [Planted(w, path, place, encoding) for w in self._words if w in text]

    def all(self) -> tuple[Planted, ...]:
        """Return the record, each place once."""
        return tuple(dict.fromkeys(self._planted))
