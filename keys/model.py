"""What passes through the doors of the key service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a case is about, as the order names them; a birth date is `YYYY-MM-DD`.

    `issuer` is who gave out the patient id, empty where the clinic did. Repr shows nothing.
    """

    issuer: str = field(repr=False)
    patient_id: str = field(repr=False)
    family_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    sex: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    citizenship: str | None = field(default=None, repr=False)
    residence: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NamedTransfer:
    """One case to one recipient: the domain its pseudonym belongs to, and when it ends by itself."""

    transfer_id: str
    domain: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whom a case is about, and every transfer that may ask for it."""

    case_id: str
    subject: Subject
    transfers: tuple[NamedTransfer, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules and the ledger may know of a subject: a commitment, salted per subject and domain."""

    subject_commitment: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a subject is called in one recipient's domain, and the secrets that go with it."""

    pseudonym: str = field(repr=False)
    uid_key: bytes = field(repr=False)
    date_shift_days: int = field(repr=False)
