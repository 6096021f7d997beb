"""What the key service assigned to a subject in one recipient's domain."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Replacement:
    """Everything a pipeline needs to replace an identity, and nothing that leads back to it.

    `uid_key` is 32 secret bytes for HMAC-SHA-256; `date_shift_days` is added to every date that the
    profile keeps shifted. Both belong to one subject in one recipient's domain.
    """

    pseudonym: str
    uid_key: bytes = field(repr=False)
    date_shift_days: int = field(repr=False)
