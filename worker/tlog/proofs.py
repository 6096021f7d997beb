"""Proof files: a leaf, its path, and the signed head it leads to, checked offline (C2SP tlog-proof).

The file lies beside a package. Its `extra` line carries the leaf itself, so a lab can read what the
clinic logged about the package; nothing in it is believed before the path leads to the signed root.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.errors import Unverified
from worker.signing import VerifyKey
from worker.tlog.merkle import includes, leaf_hash
from worker.tlog.notes import MAX_NOTE, Checkpoint, hash_from, open_checkpoint

SUFFIX = ".tlog-proof"

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_PATH = 64
_HINT = "fetch the proof file again"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file as it was read; nothing is checked yet."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        """Return the file's text."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(hashed).decode() for hashed in self.path]
        return "\n".join([*lines, "", self.checkpoint])

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Return the parts of a proof file; raises `Unverified` when the text is none."""
        head, empty_line, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if len(text) > MAX_NOTE or not empty_line or lines.pop(0) != _HEADER or not lines:
            raise _malformed()
        extra = _extra(lines.pop(0)) if lines[0].startswith("extra ") else None
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None or len(lines) > _MAX_PATH:
            raise _malformed()
        return cls(int(index[1]), tuple(hash_from(line, "proof-malformed") for line in lines), checkpoint, extra)


@dataclass(frozen=True, slots=True)
class Proven:
    """A leaf that is in the log, where it is, and the head that says so."""

    leaf: bytes
    index: int
    checkpoint: Checkpoint


def is_proof(text: str) -> bool:
    """Return whether the text calls itself a proof file."""
    return text.startswith(_HEADER)


def verify_proof(text: str, keys: Iterable[VerifyKey], leaf: bytes | None = None) -> Proven:
    """Return what the proof file proves; raises `Unverified` when it proves nothing.

    The leaf is the one given, else the one the file carries.
    """
    proof = Proof.parse(text)
    proven = leaf if leaf is not None else proof.extra
    if proven is None:
        raise Unverified("proof-without-leaf", "the proof file carries no leaf", "give the leaf")
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    if not includes(leaf_hash(proven), proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise Unverified("proof-mismatch", "the proof does not lead to the signed root", _HINT)
    return Proven(proven, proof.index, checkpoint)


def _extra(line: str) -> bytes:
    try:
        return base64.b64decode(line.removeprefix("extra "), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None


def _malformed() -> Unverified:
    return Unverified("proof-malformed", "the text is no proof file", _HINT)
