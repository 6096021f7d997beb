"""AES-256-GCM and HMAC-SHA-256 over lists of fields, unambiguous because every field carries its length.

Nonces are random 96-bit values, which bounds one key to 2^32 seals (NIST SP 800-38D, 8.3): a
subject's data key seals a few dozen records, the service's own keys one record a case or pseudonym.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.errors import KeysMisconfigured

Random = Callable[[int], bytes]

KEY_SIZE = 32
_VERSION = b"\x01"
_NONCE = 12


def fields(*values: str | bytes) -> bytes:
    """Return the values one after the other, each behind its length: different lists never meet."""
    encoded = [v.encode() if isinstance(v, str) else v for v in values]
    return b"".join(len(v).to_bytes(4, "big") + v for v in encoded)


def keyed(key: bytes, *values: str | bytes) -> bytes:
    """Return the HMAC-SHA-256 of the values under `key`."""
    return hmac.digest(key, fields(*values), sha256)


def seal(key: bytes, content: bytes, *about: str | bytes, random: Random) -> bytes:
    """Return `content` sealed under `key`; it opens only with the same `about`."""
    nonce = random(_NONCE)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, content, _VERSION + fields(*about))


def unseal(key: bytes, sealed: bytes, *about: str | bytes) -> bytes:
    """Return what `seal` was given, or refuse bytes that were changed, moved or sealed otherwise."""
    nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        if sealed[:1] == _VERSION:
            return AESGCM(key).decrypt(nonce, text, _VERSION + fields(*about))
    except (InvalidTag, ValueError):
        pass
    raise KeysMisconfigured("keys-damaged")
