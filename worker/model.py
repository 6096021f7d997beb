"""The nouns of the worker: cases, items, transfers, recipients, and the states between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

CaseId = NewType("CaseId", str)
TransferId = NewType("TransferId", str)
RecipientId = NewType("RecipientId", str)


class State(StrEnum):
    """Where a transfer stands (docs/states.md)."""

    RECEIVED = "received"
    PROCESSING = "processing"
    RELEASED = "released"
    PUBLISHED = "published"
    COLLECTED = "collected"
    ACKNOWLEDGED = "acknowledged"
    HELD = "held"
    REFUSED = "refused"
    EXPIRED = "expired"


UNFINISHED = (State.RECEIVED, State.PROCESSING, State.RELEASED)
"""A worker still has something to do."""

COLLECTABLE = (State.PUBLISHED, State.COLLECTED, State.ACKNOWLEDGED)
"""The package lies in the outgoing store, under a signed checkpoint."""


class Role(StrEnum):
    """What a recipient is to the clinic."""

    LAB = "lab"
    AFFILIATE = "affiliate"


@dataclass(frozen=True, slots=True)
class Basis:
    """The legal basis a clinic states for its transfers to a recipient (docs/basis.md)."""

    mechanism: str
    document_sha256: str | None = None
    assessment: str | None = None
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A lab or affiliate: a legal entity in a country with its own key and pseudonym domain."""

    id: RecipientId
    name: str
    country: str
    role: Role
    key: str
    fingerprint: str
    basis: Basis | None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One sealed object of an item: its key in the incoming store, the clear size, the sealed digest."""

    object: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Item:
    """One uploaded file as ordered sealed parts; `sha256` and `size` are of the clear bytes."""

    ordinal: int
    size: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """One case to one recipient: the unit of work, of sealing, of the log."""

    id: TransferId
    case: CaseId
    recipient: RecipientId
    state: State
    purpose: str
    items: int
    size: int
    """What was uploaded for the case: so many items of so many bytes in all."""
    created_at: datetime
    expires_at: datetime
    attempt: int
    commitment: str | None
    object: str | None
    package_sha256: str | None
    package_size: int | None
    profile: str | None
    profile_digest: str | None
    entry: int | None
    """The position of its *released* entry in the ledger."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a transfer is held: a code, the scan it concerns (empty: the whole case), a place."""

    code: str
    scan: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a transfer; `attempt` fences off whoever held it before."""

    transfer: Transfer
    attempt: int
