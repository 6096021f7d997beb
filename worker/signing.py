"""Sign and check statements: a DSSE envelope whose signer a person can name.

A key is printed as a C2SP signed-note verifier key, `name+keyid+base64`, so that one line serves the
manifest in a package and the checkpoints of the ledger alike. The key id binds the name to the key.
The envelope holds a list of signatures: a post-quantum one joins the Ed25519 one beside it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SEED, _PUBLIC, _SIGNATURE, _KEY_ID = 32, 32, 64, 4


class SigningError(Exception):
    """A signature or a key that does not hold; `code` says which rule it breaks, never with what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BadSignature(SigningError):
    """No signature of the expected key covers the message."""


class BadSigningKey(SigningError):
    """The text or the bytes are not a key."""


class BadEnvelope(SigningError):
    """The bytes are not a DSSE envelope of the expected type."""


def _checked_name(name: str) -> str:
    """Return `name`: signed notes separate key names by spaces and plus signs."""
    if not name or "+" in name or not name.isprintable() or any(letter.isspace() for letter in name):
        raise BadSigningKey("key-name")
    return name


def _key_id(name: str, public: bytes) -> bytes:
    """Return the id of a key as C2SP signed-note derives it."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID]


def _base64(text: str, code: str) -> bytes:
    """Return the bytes of canonical standard base64; DSSE and signed notes both use it with padding."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadSigningKey(code) from None
    if base64.b64encode(raw).decode() != text:
        raise BadSigningKey(code)
    return raw


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """The public half of a signing key, with the name it signs under."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _checked_name(self.name)
        if len(self.public) != _PUBLIC:
            raise BadSigningKey("key-length")

    @classmethod
    def parse(cls, vkey: str) -> VerifyKey:
        """Return the key that the line `name+keyid+base64` describes, its id checked (C2SP signed-note)."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3:
            raise BadSigningKey("key-format")
        raw = _base64(parts[2], "key-format")
        if raw[:1] != _ED25519:
            raise BadSigningKey("key-algorithm")
        key = cls(parts[0], raw[1:])
        if parts[1] != key.key_id.hex():
            raise BadSigningKey("key-id")
        return key

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, algorithm and public key."""
        return _key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The key as one printable line."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return when `signature` is this key's Ed25519 signature of `message`, else raise `BadSignature`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise BadSignature("bad-signature") from None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key, made from 32 secret bytes, and the name it signs under."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _checked_name(self.name)
        if len(self.seed) != _SEED:
            raise BadSigningKey("seed-length")

    @classmethod
    def generate(cls, name: str, random: Callable[[int], bytes] = os.urandom) -> SigningKey:
        """Return a new key that signs as `name`."""
        return cls(name, random(_SEED))

    @classmethod
    def load(cls, name: str, path: Path) -> SigningKey:
        """Return the key whose 32 secret bytes are the file at `path`."""
        try:
            return cls(name, path.read_bytes())
        except OSError:
            raise BadSigningKey("key-file") from None

    def save(self, path: Path) -> None:
        """Write the secret bytes to a new file that its owner alone can read; none is overwritten."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError:
            raise BadSigningKey("key-file") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.seed)

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self.name, self._private().public_key().public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        """The key id of the public half."""
        return self.verify_key.key_id

    @property
    def vkey(self) -> str:
        """The public half as one printable line."""
        return self.verify_key.vkey

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature of `message` (RFC 8032)."""
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers: type and payload, each behind its length (DSSE v1)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope, with the id of the key that is said to have made it."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope: nothing in one that was read is trusted before `verify`."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def verify(self, key: VerifyKey) -> None:
        """Return when there is a signature under `key`'s id and each holds, else raise `BadSignature`."""
        if not self.signatures:
            raise BadSignature("signature-missing")
        mine = [signature for signature in self.signatures if signature.key_id == _dsse_key_id(key)]
        if not mine:
            raise BadSignature("other-sender")
        message = pae(self.payload_type, self.payload)
        for signature in mine:
            key.verify(message, signature.value)

    def encode(self) -> bytes:
        """Return the envelope as canonical JSON: sorted keys, no spaces, one line."""
        document = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": each.key_id, "sig": base64.b64encode(each.value).decode()} for each in self.signatures
            ],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def sign_envelope(payload_type: str, payload: bytes, *keys: SigningKey) -> bytes:
    """Return a DSSE envelope around `payload` with one signature of each of `keys`."""
    if not keys:
        raise BadSigningKey("no-signing-key")
    message = pae(payload_type, payload)
    signatures = tuple(Signature(_dsse_key_id(key.verify_key), key.sign(message)) for key in keys)
    return Envelope(payload_type, payload, signatures).encode()


def parse_envelope(data: bytes, payload_type: str) -> Envelope:
    """Return the envelope in `data`, canonical and of that type; no signature is checked yet."""
    try:
        read = json.loads(data)
        signatures = tuple(Signature(str(each["keyid"]), base64.b64decode(each["sig"])) for each in read["signatures"])
        envelope = Envelope(str(read["payloadType"]), base64.b64decode(read["payload"]), signatures)
        canonical = envelope.encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadEnvelope("envelope-damaged") from None
    # Two readers must never see two envelopes in the same bytes: no repeated key, no second spelling.
    if canonical != data:
        raise BadEnvelope("envelope-damaged")
    if envelope.payload_type != payload_type:
        raise BadEnvelope("envelope-type")
    return envelope


def _dsse_key_id(key: VerifyKey) -> str:
    """Return the name and the id of `key`: what a person compares with the printed line."""
    return f"{key.name}+{key.key_id.hex()}"
