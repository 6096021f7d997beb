"""Turn the settings of an installation into connections; nothing else in the worker does.

Three sets, by trust zone: `reception` for who uploads, `records` for who reads and decides, `services`
for the queue's actors. Only the last opens the incoming private key.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keys.client import KeyClient, KeysError, socket_path, start_service
from worker import database
from worker.errors import Misconfigured
from worker.intake import Reception
from worker.logs import LOG
from worker.sealing import SealingError, parse_identity, parse_recipient
from worker.services import Records, Services
from worker.settings import Home, load
from worker.signing import SigningError, SigningKey, VerifyKey
from worker.store import FolderStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

PROFILE = "aligner"


def reception(home: Home) -> Reception:
    """Return what accepting a case takes; the key service is started where it is absent."""
    settings = load(home)
    start_keys(home)
    try:
        key = parse_recipient(_read(home.incoming_recipient))
    except SealingError:
        raise _damaged("portal/incoming.recipient") from None
    return Reception(
        settings=settings,
        engine=engine(home),
        incoming=FolderStore(home.incoming),
        key=key,
        keys=KeyClient(socket_path(home.path), enrol=_read(home.credential("enrol"))),
        now=_now,
        random=os.urandom,
    )


def records(home: Home) -> Records:
    """Return what reading and deciding about transfers takes."""
    settings = load(home)
    return Records(
        home=home,
        settings=settings,
        engine=engine(home),
        outgoing=FolderStore(home.outgoing),
        log_key=_signing_key(home.log_key, home.log_vkey),
        now=_now,
        random=os.urandom,
    )


@contextlib.contextmanager
def services(home: Home) -> Iterator[Services]:
    """Yield what the queue's actors take; the pipeline's processes end with the block."""
    from pipelines.profile import profile_named
    from worker.cleaning import Cleaner

    opened = records(home)
    try:
        identity = parse_identity(_read(home.incoming_identity))
    except SealingError:
        raise _damaged("worker/incoming.identity") from None
    cleaner = Cleaner()
    try:
        yield Services(
            records=opened,
            incoming=FolderStore(home.incoming),
            identity=identity,
            manifest_key=_signing_key(home.manifest_key, home.sender_vkey),
            keys=worker_keys(home),
            wake_keys=lambda: _wake(home),
            cleaner=cleaner,
            profile=profile_named(PROFILE),
        )
    finally:
        cleaner.close()


def worker_keys(home: Home) -> KeyClient:
    """Return the worker's way to the key service: facts and assignment, and no way back to a person."""
    return KeyClient(
        socket_path(home.path),
        facts=_read(home.credential("facts")),
        assignment=_read(home.credential("assignment")),
    )


def engine(home: Home) -> Engine:
    """Return the worker's database, at the newest revision."""
    opened = database.connect(database_url(home))
    if not database.is_current(opened):
        database.migrate(opened)
    return opened


def database_url(home: Home) -> str:
    """Return where the worker's database of an embedded installation is."""
    return f"sqlite:///{home.database}"


def start_keys(home: Home) -> None:
    """Start the key service where it is absent; raises `Misconfigured` when it cannot be started."""
    try:
        start_service(home.path)
    except KeysError as error:
        raise Misconfigured(error.code, "the key service does not start", "run `pseudodont-keys serve`") from None


def _wake(home: Home) -> None:
    try:
        start_service(home.path)
    except KeysError as error:
        LOG.warning("keys-away", extra={"code": error.code})


def _signing_key(secret: Path, public: Path) -> SigningKey:
    """Return a key under the name it was made with, whatever the clinic is called today."""
    try:
        key = SigningKey.load(VerifyKey.parse(_read(public)).name, secret)
    except SigningError:
        raise _damaged(secret.name) from None
    if key.vkey != _read(public):
        raise _damaged(public.name)
    return key


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise _damaged(path.name) from None


def _damaged(what: str) -> Misconfigured:
    return Misconfigured("home-damaged", f"{what} is missing or not readable", "restore it from your backup")


def _now() -> datetime:
    return datetime.now(UTC)
