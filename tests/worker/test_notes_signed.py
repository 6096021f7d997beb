"""Signed notes are C2SP's: its own examples verify, and our notes verify without our code."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from worker.errors import Unverified
from worker.signing import SigningKey, VerifyKey
from worker.tlog.merkle import EMPTY_ROOT, leaf_hash
from worker.tlog.notes import Checkpoint, Note, open_checkpoint, sign

_KEY = SigningKey("pseudodont.example/clinic/log", bytes(range(32)))
_NAMESAKE = SigningKey(_KEY.name, bytes(32))
_WITNESS = SigningKey("witness.example", bytes(range(1, 33)))
_CHECKPOINT = Checkpoint(_KEY.name, 7, leaf_hash(b"leaf"))

# The example of the signed-note specification.
_PUBLIC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_PUBLIC_NOTE = (
    "This is an example message.\n"
    "\n"
    "\N{EM DASH} example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

# The example of Go's golang.org/x/mod/sumdb/note.
_GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\N{EM DASH} PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.mark.parametrize(("vkey", "note"), [(_PUBLIC_KEY, _PUBLIC_NOTE), (_GO_KEY, _GO_NOTE)])
def test_a_published_note_verifies_under_its_published_key(vkey: str, note: str) -> None:
    key = VerifyKey.parse(vkey)
    assert Note.parse(note).verified_by([key]) == (key,)


def test_a_reader_who_knows_only_the_specification_verifies_our_note() -> None:
    text, _, line = _CHECKPOINT.signed(_KEY).partition("\n\n")
    dash, name, encoded = line.rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    _, key_id, key = _KEY.vkey.split("+", 2)
    public = base64.b64decode(key)
    assert (dash, name) == ("\N{EM DASH}", "pseudodont.example/clinic/log")
    assert raw[:4].hex() == key_id == hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8]
    assert public[0] == 1
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], (text + "\n").encode())
    origin, size, root = text.split("\n")
    assert (origin, size, base64.b64decode(root)) == (name, "7", leaf_hash(b"leaf"))


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    assert open_checkpoint(_CHECKPOINT.signed(_KEY), [_KEY.verify_key]) == _CHECKPOINT


def test_a_checkpoint_of_an_empty_log_has_the_size_nought() -> None:
    empty = Checkpoint(_KEY.name, 0, EMPTY_ROOT)
    assert empty.text().split("\n")[1] == "0"
    assert open_checkpoint(empty.signed(_KEY), [_KEY.verify_key]) == empty


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    note = sign(_CHECKPOINT.text(), _WITNESS, _KEY)
    assert open_checkpoint(note, [_KEY.verify_key]) == _CHECKPOINT
    assert Note.parse(note).verified_by([_KEY.verify_key, _WITNESS.verify_key]) == (
        _WITNESS.verify_key,
        _KEY.verify_key,
    )


def test_sixteen_large_signatures_are_accepted() -> None:
    others = "".join(
        f"\N{EM DASH} witness{number}.example {base64.b64encode(bytes(4900)).decode()}\n" for number in range(15)
    )
    assert open_checkpoint(_CHECKPOINT.signed(_KEY) + others, [_KEY.verify_key]) == _CHECKPOINT


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    with pytest.raises(Unverified) as caught:
        open_checkpoint(sign(_CHECKPOINT.text(), _WITNESS), [_KEY.verify_key, _WITNESS.verify_key])
    assert caught.value.code == "checkpoint-origin"


@pytest.mark.parametrize("keys", [[], [_NAMESAKE.verify_key], [_WITNESS.verify_key]])
def test_a_note_that_no_given_key_signed_is_refused(keys: list[VerifyKey]) -> None:
    with pytest.raises(Unverified) as caught:
        open_checkpoint(_CHECKPOINT.signed(_KEY), keys)
    assert caught.value.code == "note-unsigned"


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    good = _CHECKPOINT.signed(_KEY)
    forged = base64.b64encode(_WITNESS.key_id + bytes(64)).decode()
    with pytest.raises(Unverified) as caught:
        open_checkpoint(f"{good}\N{EM DASH} witness.example {forged}\n", [_KEY.verify_key, _WITNESS.verify_key])
    assert caught.value.code == "note-signature"


def test_no_character_of_a_checkpoint_can_be_changed() -> None:
    note = _CHECKPOINT.signed(_KEY)
    for place in range(len(note)):
        changed = note[:place] + ("A" if note[place] != "A" else "B") + note[place + 1 :]
        with pytest.raises(Unverified):
            open_checkpoint(changed, [_KEY.verify_key])


def test_no_beginning_of_a_checkpoint_is_a_checkpoint() -> None:
    note = _CHECKPOINT.signed(_KEY)
    for length in range(len(note)):
        with pytest.raises(Unverified):
            open_checkpoint(note[:length], [_KEY.verify_key])


@pytest.mark.parametrize(
    "text",
    [
        "\n1\n" + "A" * 43 + "=\n",
        "log\n01\n" + "A" * 43 + "=\n",
        "log\n-1\n" + "A" * 43 + "=\n",
        "log\n\N{ARABIC-INDIC DIGIT ONE}\n" + "A" * 43 + "=\n",
        "log\n1\n" + "A" * 42 + "B=\n",
        "log\n1\nAAAA\n",
        "log\n1\n",
        "log\n1\n" + "A" * 43 + "=\n\nmore\n",
        "log\n1\n" + "A" * 43 + "=",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Unverified) as caught:
        Checkpoint.parse(text)
    assert caught.value.code == "checkpoint-malformed"


@pytest.mark.parametrize("spoilt", ["log\r\n1\n\n\N{EM DASH} a AAAAAAA=\n", "text\n\n", "text\n\n- a AAAAAAA=\n", ""])
def test_a_text_of_another_form_is_no_note(spoilt: str) -> None:
    with pytest.raises(Unverified) as caught:
        Note.parse(spoilt)
    assert caught.value.code == "note-malformed"
