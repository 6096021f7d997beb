"""Signatures, envelopes and the printed lines of keys."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from pathlib import Path

import pytest

from worker.signing import (
    BadEnvelope,
    BadSignature,
    BadSigningKey,
    SigningKey,
    VerifyKey,
    pae,
    parse_envelope,
    sign_envelope,
)

TYPE = "application/example"
KEY = SigningKey("clinic.example", bytes(range(32)))
OTHER = SigningKey("lab.example", bytes(32))


def test_the_printed_line_is_a_signed_note_verifier_key() -> None:
    name, key_id, encoded = KEY.vkey.split("+", 2)
    raw = base64.b64decode(encoded)
    assert (name, raw[:1], len(raw)) == ("clinic.example", b"\x01", 33)
    assert key_id == hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    assert VerifyKey.parse(KEY.vkey + "\n") == KEY.verify_key


def test_the_key_of_the_go_checksum_database_is_read() -> None:
    """A well-known key that is not ours."""
    line = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert VerifyKey.parse(line).vkey == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a+b",
        "clinic.example+00000000+" + KEY.vkey.split("+", 2)[2],
        "other.example+" + KEY.vkey.split("+", 1)[1],
        KEY.vkey[:-4],
        KEY.vkey + "=",
        KEY.vkey.replace("clinic", "cli nic"),
        "a+" + KEY.key_id.hex() + "+" + base64.b64encode(b"\x06" + bytes(32)).decode(),
    ],
)
def test_a_line_that_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(BadSigningKey):
        VerifyKey.parse(line)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_a_signed_note_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(BadSigningKey, match="key-name"):
        SigningKey(name, bytes(32))


def test_a_signature_holds_for_its_message_alone() -> None:
    signature = KEY.sign(b"message")
    assert len(signature) == 64
    KEY.verify_key.verify(b"message", signature)
    for message, value in ((b"massage", signature), (b"message", signature[:-1]), (b"message", bytes(64))):
        with pytest.raises(BadSignature):
            KEY.verify_key.verify(message, value)


def test_the_seed_is_never_shown() -> None:
    assert repr(KEY.seed) not in repr(KEY)


def test_a_key_file_belongs_to_its_owner_and_is_never_overwritten(tmp_path: Path) -> None:
    key = SigningKey.generate("clinic.example")
    key.save(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert SigningKey.load("clinic.example", tmp_path / "key") == key
    with pytest.raises(BadSigningKey, match="key-file"):
        OTHER.save(tmp_path / "key")
    with pytest.raises(BadSigningKey, match="key-file"):
        SigningKey.load("clinic.example", tmp_path / "absent")


def test_the_signed_bytes_are_those_of_dsse() -> None:
    """The example of the DSSE protocol page."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_envelope_with_two_signatures_holds_for_either_key() -> None:
    envelope = parse_envelope(sign_envelope(TYPE, b"payload", KEY, OTHER), TYPE)
    assert envelope.payload == b"payload"
    envelope.verify(KEY.verify_key)
    envelope.verify(OTHER.verify_key)


def test_an_envelope_does_not_hold_for_a_key_that_did_not_sign() -> None:
    envelope = parse_envelope(sign_envelope(TYPE, b"payload", KEY), TYPE)
    with pytest.raises(BadSignature, match="other-sender"):
        envelope.verify(OTHER.verify_key)


def test_a_signature_does_not_move_to_another_type_or_payload() -> None:
    signed = json.loads(sign_envelope(TYPE, b"payload", KEY))
    for change in ({"payloadType": "application/examplE"}, {"payload": "cGF5bG9hRA=="}):
        moved = json.dumps(signed | change, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        envelope = parse_envelope(moved, str((signed | change)["payloadType"]))
        with pytest.raises(BadSignature, match="bad-signature"):
            envelope.verify(KEY.verify_key)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"payload":1,"payloadType":"x","signatures":[]}\n']
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(BadEnvelope, match="envelope-damaged"):
        parse_envelope(data, TYPE)


def test_a_second_spelling_of_an_envelope_is_refused() -> None:
    data = sign_envelope(TYPE, b"payload", KEY)
    for other in (data + b"\n", data.replace(b":", b": ", 1), b'{"payload":"eA==",' + data[1:]):
        with pytest.raises(BadEnvelope, match="envelope-damaged"):
            parse_envelope(other, TYPE)


def test_an_envelope_needs_a_signature() -> None:
    with pytest.raises(BadSigningKey, match="no-signing-key"):
        sign_envelope(TYPE, b"payload")
