"""Verify a ledger as an outsider: with a key and checkpoints of one's own, writing nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from worker import database
from worker.app import database_url
from worker.errors import Misconfigured, Unusable, Unverified
from worker.ledger import Verdict, verify
from worker.settings import Home
from worker.signing import SigningError, VerifyKey


def inspect(home: Home, vkey: str, checkpoints: Sequence[bytes]) -> Verdict:
    """Return what the ledger in `home` amounts to; raises `Unverified` when it cannot be read at all."""
    if not home.database.is_file():
        raise Misconfigured("home-missing", "there is no ledger in this folder", "give --home")
    try:
        key = VerifyKey.parse(vkey)
        notes = [data.decode() for data in checkpoints]
    except SigningError:
        raise Unusable("vkey-invalid", "this is no verification key", "it looks like name+0123abcd+…") from None
    except UnicodeDecodeError:
        raise Unverified("checkpoint-malformed", "a checkpoint is no text", "give the file as it was kept") from None
    try:
        with database.transaction(database.connect(database_url(home))) as connection:
            return verify(connection, [key], notes)
    except SQLAlchemyError:
        raise Unverified("ledger-damaged", "the ledger's tables cannot be read", "restore the database") from None
