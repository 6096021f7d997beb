"""Signed notes and checkpoints: a tree head that anyone can carry away and check (C2SP).

A note is text, an empty line, and one signature line for each key. A checkpoint is a note of three
lines: the log's origin, which is also the name of its key, the size of the tree, and its root.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.errors import Unverified
from worker.signing import BadSignature, SigningKey, VerifyKey
from worker.tlog.merkle import HASH_SIZE

MAX_NOTE = 1 << 20
"""Above sixteen post-quantum signatures (signed-note asks for as many), far below what would hurt."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/=]+)")
_KEY_ID = 4
_HINT = "use the note as it was handed out, byte for byte"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, not checked yet."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note as it was read; its text means nothing before `verified_by`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Return the parts of a signed note; raises `Unverified` when it is none (C2SP signed-note)."""
        controls = any(letter < " " and letter != "\n" for letter in note)
        text, empty_line, lines = note.rpartition("\n\n")
        if len(note) > MAX_NOTE or controls or not empty_line or not text or not lines.endswith("\n"):
            raise _malformed("note-malformed")
        return cls(text + "\n", tuple(_signature(line) for line in lines[:-1].split("\n")))

    def verified_by(self, keys: Iterable[VerifyKey]) -> tuple[VerifyKey, ...]:
        """Return those of `keys` that signed; raises `Unverified` for none, or for one bad signature.

        Lines of keys that are not given are passed over, as the specification wants it.
        """
        known = {(key.name, key.key_id): key for key in keys}
        good: list[VerifyKey] = []
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is None:
                continue
            try:
                key.verify(self.text.encode(), signature.value)
            except BadSignature:
                raise Unverified("note-signature", "a signature of a known key does not hold", _HINT) from None
            good.append(key)
        if not good:
            raise Unverified("note-unsigned", "no key given has signed the note", "give the log's own key")
        return tuple(good)


def sign(text: str, *keys: SigningKey) -> str:
    """Return `text` as a note signed by `keys`."""
    lines = "".join(
        f"\N{EM DASH} {key.name} {base64.b64encode(key.key_id + key.sign(text.encode())).decode()}\n" for key in keys
    )
    return f"{text}\n{lines}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many leaves, which root (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, key: SigningKey) -> str:
        """Return the checkpoint as a signed note."""
        return sign(self.text(), key)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint in a note's text; extension lines are allowed and ignored."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines) or not _SIZE.fullmatch(lines[1]):
            raise _malformed("checkpoint-malformed")
        return cls(lines[0], int(lines[1]), hash_from(lines[2], "checkpoint-malformed"))


def open_checkpoint(note: str, keys: Iterable[VerifyKey]) -> Checkpoint:
    """Return the checkpoint in `note` once a key that is named like its origin is seen to have signed it."""
    parsed = Note.parse(note)
    signers = parsed.verified_by(keys)
    checkpoint = Checkpoint.parse(parsed.text)
    if all(key.name != checkpoint.origin for key in signers):
        raise Unverified("checkpoint-origin", "the checkpoint is of another log", "give the key of that log")
    return checkpoint


def hash_from(line: str, code: str) -> bytes:
    """Return the hash that a line holds in canonical base64; raises `Unverified` with `code` otherwise."""
    raw = _base64(line, code)
    if len(raw) != HASH_SIZE:
        raise _malformed(code)
    return raw


def _signature(line: str) -> NoteSignature:
    found = _SIGNATURE.fullmatch(line)
    if found is None:
        raise _malformed("note-malformed")
    raw = _base64(found[2], "note-malformed")
    if len(raw) <= _KEY_ID:
        raise _malformed("note-malformed")
    return NoteSignature(found[1], raw[:_KEY_ID], raw[_KEY_ID:])


def _base64(text: str, code: str) -> bytes:
    """Return the bytes of standard base64 in its one canonical spelling (RFC 4648, section 3.5)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(code) from None
    if base64.b64encode(raw).decode() != text:
        raise _malformed(code)
    return raw


def _malformed(code: str) -> Unverified:
    return Unverified(code, "the text is no signed note of the expected form", _HINT)
