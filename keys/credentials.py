"""Who may knock at which door: one bearer credential a door, of which the service keeps only a hash.

The tokens are 256 random bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from keys.errors import KeysMisconfigured


class Door(StrEnum):
    """What a credential opens."""

    ENROL = "enrol"
    FACTS = "facts"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tokens of every door, in the clear: made once, handed out once, never stored by the service."""

    enrol: str = field(repr=False)
    facts: str = field(repr=False)
    assignment: str = field(repr=False)

    def to_json(self) -> str:
        """Return the tokens by door, as `pseudodont-keys initialise` prints them."""
        return json.dumps({door.value: getattr(self, door.value) for door in Door})

    @classmethod
    def from_json(cls, text: str) -> Credentials:
        """Return the tokens that `to_json` wrote."""
        tokens = json.loads(text)
        return cls(**{door.value: str(tokens[door.value]) for door in Door})


def fresh(random: Callable[[int], bytes]) -> Credentials:
    """Return new tokens; each begins with its door's name, so that a mix-up is seen at a glance."""
    return Credentials(**{door.value: f"{door}-{random(32).hex()}" for door in Door})


@dataclass(frozen=True, slots=True)
class Hashes:
    """The digests of the tokens: what the service stores."""

    digests: tuple[tuple[Door, str], ...]

    @classmethod
    def of(cls, credentials: Credentials) -> Hashes:
        """Return the digests of `credentials`."""
        return cls(tuple((door, _digest(getattr(credentials, door.value))) for door in Door))

    @classmethod
    def from_json(cls, text: str) -> Hashes:
        """Return the digests that `to_json` wrote; refuse a file that lacks a door."""
        try:
            stored = json.loads(text)
            return cls(tuple((door, str(stored[door.value])) for door in Door))
        except (ValueError, KeyError, TypeError):
            raise KeysMisconfigured("credentials-damaged") from None

    def to_json(self) -> str:
        """Return the digests by door."""
        return json.dumps({door.value: digest for door, digest in self.digests})

    def opens(self, door: Door, token: str) -> bool:
        """Say whether `token` is the one made for `door`, in a time that does not depend on it."""
        return any(d is door and hmac.compare_digest(digest, _digest(token)) for d, digest in self.digests)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
