"""The header of an age v1 file: for whom it is, and the proof that nobody changed that.

A version line, stanzas that each wrap the file key for one recipient, and an HMAC under the file key.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.sealing.errors import HeaderFailure, HmacFailure

VERSION = b"age-encryption.org/v1"
FILE_KEY = 16
_FOOTER = b"---"
_COLUMNS = 64
_MAC = 32
_LONGEST = 1 << 18
"""A header is read into memory; one for a hundred post-quantum recipients stays below this."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """The file key, wrapped for one recipient: type and arguments, and the wrapped key."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header; `signed` are its bytes up to and with the three hyphens, `size` is all of them."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    signed: bytes
    size: int

    def verify(self, file_key: bytes) -> None:
        """Return when the HMAC is that of `file_key`, else raise `HmacFailure`."""
        if not hmac.compare_digest(_mac(file_key, self.signed), self.mac):
            raise HmacFailure("header-mac")


def derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)


def encode_base64(data: bytes) -> bytes:
    """Return standard base64 without padding."""
    return base64.b64encode(data).rstrip(b"=")


def decode_base64(text: bytes) -> bytes:
    """Return the bytes of canonical standard base64 without padding."""
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise HeaderFailure("header-base64") from None
    if encode_base64(raw) != text:
        raise HeaderFailure("header-base64")
    return raw


def write_header(stanza: Stanza, file_key: bytes) -> bytes:
    """Return the header of a file that is sealed to one recipient."""
    opening = " ".join((stanza.kind, *stanza.arguments)).encode()
    body = encode_base64(stanza.body)
    # The last line is always shorter than the others, so it is empty behind a full one.
    lines = [body[start : start + _COLUMNS] for start in range(0, len(body) + 1, _COLUMNS)]
    signed = b"\n".join((VERSION, b"-> " + opening, *lines, _FOOTER))
    return signed + b" " + encode_base64(_mac(file_key, signed)) + b"\n"


def read_header(chunks: Iterator[bytes]) -> tuple[Header, bytes]:
    """Return the header that `chunks` start with, and what was read behind it."""
    held = b""
    end = -1
    while end < 0:
        chunk = next(chunks, None)
        if chunk is None:
            raise HeaderFailure("header-truncated")
        held += chunk
        end = _end(held)
    return parse_header(held[:end]), held[end:]


def parse_header(data: bytes) -> Header:
    """Return what `data` says, which is exactly one header with the line end of its last line."""
    *lines, footer = data.removesuffix(b"\n").split(b"\n")
    if lines[:1] != [VERSION] or not footer.startswith(_FOOTER + b" "):
        raise HeaderFailure("header-form")
    mac = decode_base64(footer[len(_FOOTER) + 1 :])
    if len(mac) != _MAC:
        raise HeaderFailure("header-form")
    signed = data[: -len(footer) - 1 + len(_FOOTER)]
    stanzas = tuple(_stanzas(iter(lines[1:])))
    if not stanzas:
        raise HeaderFailure("header-form")
    return Header(stanzas, mac, signed, len(data))


def _end(held: bytes) -> int:
    """Return where the header ends in `held`, or -1 when more of it has to be read."""
    line = VERSION + b"\n"
    if held[: len(line)] != line[: len(held)]:
        raise HeaderFailure("header-version")
    # Base64 has no hyphen: the first line that starts with three of them is the last.
    footer = held.find(b"\n" + _FOOTER)
    end = held.find(b"\n", footer + 1) if footer >= 0 else -1
    if (end if end >= 0 else len(held)) > _LONGEST:
        raise HeaderFailure("header-size")
    return end + 1 if end >= 0 else -1


def _stanzas(lines: Iterator[bytes]) -> Iterator[Stanza]:
    for line in lines:
        marker, *arguments = line.split(b" ")
        if marker != b"->" or not arguments or not all(map(_is_visible, arguments)):
            raise HeaderFailure("header-stanza")
        kind, *rest = (argument.decode("ascii") for argument in arguments)
        yield Stanza(kind, tuple(rest), _body(lines))


def _body(lines: Iterator[bytes]) -> bytes:
    """Return the body of a stanza: full lines, and one shorter line that ends it."""
    body = b""
    for line in lines:
        if len(line) > _COLUMNS:
            break
        body += decode_base64(line)
        if len(line) < _COLUMNS:
            return body
    raise HeaderFailure("header-stanza")


def _is_visible(argument: bytes) -> bool:
    return bool(argument) and all(33 <= code <= 126 for code in argument)


def _mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(derive(file_key, b"", b"header"), signed, "sha256")
