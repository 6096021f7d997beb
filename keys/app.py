"""Where settings become connections: set up an installation of the key service, and open one."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from keys import credentials, durable, settings
from keys.cipher import Random
from keys.credentials import Credentials, Door, Hashes
from keys.database import Database, connect
from keys.errors import KeysMisconfigured, KeysRefused
from keys.places import Places, private_folder
from keys.service import Services
from keys.table import Clock, KeyTable
from keys.wrapping import DataKeys, KeyFile, ServiceKeys

_UNFINISHED = ".keys-"


def initialise(home: Path, into: Path | None = None, random: Random = secrets.token_bytes) -> Credentials:
    """Set up the key service in `home` and return its credentials, of which it keeps only hashes.

    The service's folder appears whole or not at all, and not before the credentials are durable in the
    folder `into`, one file a door: no crash leaves an installation that nobody holds the credentials of.
    """
    places = Places.below(home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(places.folder.parent):
        if places.folder.exists():
            raise KeysRefused("already-initialised")
        for unfinished in places.folder.parent.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(unfinished)
        making = Places(Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=places.folder.parent)))
        made = _fill(making, random)
        durable.settle(making.folder)
        if into is not None:
            _hand_over(made, into)
        making.folder.rename(places.folder)
        durable.settle(places.folder.parent)
    return made


def open_services(places: Places, clock: Clock, random: Random = secrets.token_bytes) -> Services:
    """Return the services of an installation, its database at the newest revision.

    Only the process that holds the installation's lock may call this.
    """
    if not places.kek.exists():
        raise KeysMisconfigured("not-initialised")
    private_folder(places.folder)
    for folder in (places.folder, places.data_keys):
        durable.sweep(folder)
    wrapping = KeyFile(places.kek, random)
    database = _database(places)
    database.migrate()
    table = KeyTable(
        database=database,
        keys=ServiceKeys.load(places.service_keys, wrapping),
        data_keys=DataKeys(places.data_keys, wrapping, random),
        random=random,
        clock=clock,
    )
    hashes = Hashes.from_json(durable.read(places.credentials).decode("utf-8", "replace"))
    return Services(table, hashes)


def now() -> datetime:
    """Return the time by which transfers expire."""
    return datetime.now(UTC)


def _fill(places: Places, random: Random) -> Credentials:
    KeyFile.create(places.kek, random)
    ServiceKeys.create(places.service_keys, KeyFile(places.kek, random), random)
    places.data_keys.mkdir(mode=0o700)
    made = credentials.fresh(random)
    durable.write(places.credentials, Hashes.of(made).to_json().encode())
    durable.write(places.database, b"")  # an empty SQLite file, made here for its mode
    database = _database(places)
    database.migrate()
    database.close()
    return made


def _hand_over(made: Credentials, into: Path) -> None:
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for door in Door:
        durable.write(into / door.value, f"{getattr(made, door.value)}\n".encode())


def _database(places: Places) -> Database:
    return connect(settings.read(places).database or f"sqlite:///{places.database}")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
