"""Recipients and identities: who a file is sealed to, and who can open it.

Two kinds, each one line of text: X25519, which every age tool knows, and mlkem768x25519 (ML-KEM-768 and
X25519 through HPKE), which stays closed to someone who records today and computes with quanta later.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from worker.sealing import bech32
from worker.sealing.errors import BadKey, HeaderFailure, NoMatch
from worker.sealing.header import FILE_KEY, Stanza, decode_base64, derive, encode_base64

Random = Callable[[int], bytes]

_SEED = 32
_SHARE = 32
_MLKEM_PUBLIC = 1184
_MLKEM_SEED = 64
_ENCAPSULATED = 1088 + _SHARE
_WRAPPED = FILE_KEY + 16
_X25519_INFO = b"age-encryption.org/v1/X25519"
_HYBRID_INFO = b"age-encryption.org/mlkem768x25519"
# The key that wraps is used once, so the nonce may be fixed (age v1, X25519 recipient stanza).
_NONCE = bytes(12)


class Kind(Enum):
    """The kinds of recipient; the value is the type of the stanza."""

    CLASSIC = "X25519"
    POST_QUANTUM = "mlkem768x25519"


_RECIPIENT_PREFIX = {Kind.CLASSIC: "age", Kind.POST_QUANTUM: "age1pq"}
_IDENTITY_PREFIX = {Kind.CLASSIC: "age-secret-key-", Kind.POST_QUANTUM: "age-secret-key-pq-"}
_PUBLIC_SIZE = {Kind.CLASSIC: _SHARE, Kind.POST_QUANTUM: _MLKEM_PUBLIC + _SHARE}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key that files are sealed to."""

    kind: Kind
    public: bytes

    @property
    def text(self) -> str:
        """The recipient as people exchange it, `age1…` or `age1pq1…`."""
        return bech32.encode(_RECIPIENT_PREFIX[self.kind], self.public)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the recipient's text in UTF-8, in lower-case hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def wrap(self, file_key: bytes, random: Random) -> Stanza:
        """Return the stanza that gives `file_key` to this recipient alone."""
        if self.kind is Kind.CLASSIC:
            return _wrap_classic(self.public, file_key, random)
        sealed = _suite().encrypt(file_key, _hybrid_public(self.public), _HYBRID_INFO)
        share = encode_base64(sealed[:_ENCAPSULATED]).decode()
        return Stanza(self.kind.value, (share,), sealed[_ENCAPSULATED:])


@dataclass(frozen=True, slots=True)
class Identity:
    """The secret that opens what was sealed to its recipient."""

    kind: Kind
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The identity as the line of an identity file: a secret."""
        return bech32.encode(_IDENTITY_PREFIX[self.kind], self.secret).upper()

    @property
    def recipient(self) -> Recipient:
        """The public half."""
        if self.kind is Kind.CLASSIC:
            return Recipient(self.kind, _x25519(self.secret).public_key().public_bytes_raw())
        mlkem, x25519 = _hybrid_secrets(self.secret)
        shares = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return Recipient(self.kind, shares)

    def unwrap(self, stanza: Stanza) -> bytes:
        """Return the file key in `stanza`, which is of this kind; raise `NoMatch` if it is not ours."""
        if len(stanza.arguments) != 1:
            raise HeaderFailure("header-stanza")
        share = decode_base64(stanza.arguments[0].encode())
        # The length is checked before decryption: a longer body would allow partitioning oracles.
        if len(stanza.body) != _WRAPPED:
            raise HeaderFailure("header-stanza")
        unwrap = _unwrap_classic if self.kind is Kind.CLASSIC else _unwrap_hybrid
        return unwrap(self.secret, share, stanza.body)


def generate_identity(kind: Kind = Kind.POST_QUANTUM, random: Random = os.urandom) -> Identity:
    """Return a new identity."""
    return Identity(kind, random(_SEED))


def parse_recipient(text: str) -> Recipient:
    """Return the recipient that `text` names, with a key that can be sealed to."""
    prefix, public = bech32.decode(text.strip())
    for kind, known in _RECIPIENT_PREFIX.items():
        if prefix == known:
            recipient = Recipient(kind, public)
            _check_public(recipient)
            return recipient
    raise BadKey("recipient-kind")


def is_post_quantum(text: str) -> bool:
    """Return whether the text of a recipient, which was parsed before, is of the post-quantum kind."""
    return text.startswith(f"{_RECIPIENT_PREFIX[Kind.POST_QUANTUM]}1")


def parse_identity(text: str) -> Identity:
    """Return the one identity in the text of an identity file."""
    identities = parse_identities(text)
    if len(identities) != 1:
        raise BadKey("identity-count")
    return identities[0]


def parse_identities(text: str) -> tuple[Identity, ...]:
    """Return the identities in the text of an identity file, at least one; `#` starts a comment line."""
    lines = (line.strip() for line in text.splitlines())
    identities = tuple(_identity(line) for line in lines if line and not line.startswith("#"))
    if not identities:
        raise BadKey("identity-count")
    return identities


def unwrap(stanzas: Sequence[Stanza], identities: Sequence[Identity]) -> tuple[bytes, Identity]:
    """Return the file key, and which of `identities` opened it."""
    if any(stanza.kind == "scrypt" for stanza in stanzas):
        if len(stanzas) > 1:
            raise HeaderFailure("header-stanza")
        raise NoMatch("sealed-to-passphrase")
    for stanza in stanzas:
        for identity in identities:
            if identity.kind.value != stanza.kind:
                continue
            try:
                return identity.unwrap(stanza), identity
            except NoMatch:
                continue
    raise NoMatch("sealed-to-others")


def _identity(line: str) -> Identity:
    if line != line.upper():
        raise BadKey("key-case")
    prefix, secret = bech32.decode(line)
    for kind, known in _IDENTITY_PREFIX.items():
        if prefix == known and len(secret) == _SEED:
            return Identity(kind, secret)
    raise BadKey("identity-kind")


def _check_public(recipient: Recipient) -> None:
    """Refuse a key of the wrong length, and a low-order one: everybody knows the secret it leads to."""
    if len(recipient.public) != _PUBLIC_SIZE[recipient.kind]:
        raise BadKey("key-length")
    try:
        _x25519(bytes(_SEED)).exchange(X25519PublicKey.from_public_bytes(recipient.public[-_SHARE:]))
        if recipient.kind is Kind.POST_QUANTUM:
            _hybrid_public(recipient.public)
    except ValueError:
        raise BadKey("key-value") from None


def _x25519(secret: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(secret)


def _wrap_classic(public: bytes, file_key: bytes, random: Random) -> Stanza:
    ephemeral = _x25519(random(_SEED))
    share = ephemeral.public_key().public_bytes_raw()
    secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    key = derive(secret, share + public, _X25519_INFO)
    body = ChaCha20Poly1305(key).encrypt(_NONCE, file_key, None)
    return Stanza(Kind.CLASSIC.value, (encode_base64(share).decode(),), body)


def _unwrap_classic(secret: bytes, share: bytes, body: bytes) -> bytes:
    if len(share) != _SHARE:
        raise HeaderFailure("header-stanza")
    own = _x25519(secret)
    shared = _exchange(own, share)
    key = derive(shared, share + own.public_key().public_bytes_raw(), _X25519_INFO)
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, body, None)
    except InvalidTag:
        raise NoMatch("sealed-to-others") from None


def _unwrap_hybrid(seed: bytes, share: bytes, body: bytes) -> bytes:
    if len(share) != _ENCAPSULATED:
        raise HeaderFailure("header-stanza")
    mlkem, x25519 = _hybrid_secrets(seed)
    # HPKE reports a low-order share like any other mismatch, but such a file is malformed, not misdirected.
    _exchange(x25519, share[-_SHARE:])
    key = hpke.MLKEM768X25519PrivateKey(mlkem, x25519)
    try:
        return _suite().decrypt(share + body, key, _HYBRID_INFO)
    except InvalidTag:
        raise NoMatch("sealed-to-others") from None


def _exchange(own: X25519PrivateKey, share: bytes) -> bytes:
    """Return the shared secret; an all-zero one means a low-order share (RFC 7748, section 6.1)."""
    try:
        return own.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise HeaderFailure("header-share") from None


def _hybrid_secrets(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Return the two keys that a 32-byte X-Wing seed stands for."""
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED + _SEED)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED]), _x25519(expanded[_MLKEM_SEED:])


def _hybrid_public(public: bytes) -> hpke.MLKEM768X25519PublicKey:
    mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC])
    return hpke.MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]))


@cache
def _suite() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
