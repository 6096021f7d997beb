"""Random identifiers of cases and transfers: they mean nothing and sort nowhere."""

from __future__ import annotations

from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 16


def new(prefix: str, random: Callable[[int], bytes]) -> str:
    """Return `prefix-` and 80 random bits in letters without look-alikes."""
    return f"{prefix}-{''.join(_ALPHABET[byte % 32] for byte in random(_LENGTH))}"
