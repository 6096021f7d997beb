"""Ledgers for tests: invented entries, databases of both kinds, and processes that write to them."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from environment import missing
from sqlalchemy import Connection, Engine, create_engine, event, text

from worker import ledger
from worker.ledger import schema
from worker.model import Role
from worker.records import Category, Entry, Event, Exporter, Importer, Method, Package, Pseudonymised
from worker.signing import SigningKey

SIGNER = SigningKey("pseudodont.example/clinic/log", bytes(range(32)))
STRANGER = SigningKey("pseudodont.example/clinic/log", bytes(32))
_SERVER = ("127.0.0.1", 5432)
_START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def digest(word: str) -> str:
    """Return a SHA-256 digest to stand for anything."""
    return hashlib.sha256(word.encode()).hexdigest()


def make_entry(number: int = 0, what: Event = Event.RELEASED, transfer: str | None = None) -> Entry:
    """Return an entry with every kind of field; another number is another event."""
    return Entry(
        event=what,
        event_id=f"event-{number}",
        at=_START + timedelta(minutes=number),
        exporter=Exporter("Zahnarztpraxis Blümel", "DE"),
        recipient=Importer("lab-1", "上海 Aligner Lab", "CN", Role.LAB, digest("key")),
        transfer=transfer or f"transfer-{number}",
        case="case-1",
        source="DE",
        destination="CN",
        purpose="aligner-treatment",
        categories=(Category("stl", "upper", 1), Category("dicom", "panoramic", 1)),
        items=2,
        size=123_456,
        method=Method.HYBRID,
        pseudonymised=Pseudonymised("aligner-lab", digest("profile")),
        package=Package(digest(f"package-{number}"), 100_000 + number),
        subject_commitment=digest("subject"),
        codes=("reason-a",) if what in (Event.HELD, Event.REFUSED) else (),
        attempt=1,
        expires=_START + timedelta(days=30),
    )


@dataclass(frozen=True, slots=True)
class Database:
    """A database with an empty ledger, and how to reach it from another process."""

    url: str

    def engine(self) -> Engine:
        """Return an engine whose SQLite transactions take the write lock at once."""
        engine = create_engine(self.url, connect_args={"timeout": 60} if self.url.startswith("sqlite") else {})
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _leave_transactions_to_us)
            event.listen(engine, "begin", _begin_immediate)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commit what the block did, or nothing."""
        engine = self.engine()
        with engine.begin() as connection:
            yield connection
        engine.dispose()


def sqlite(folder: Path) -> Database:
    """Return a new SQLite file with an empty, signed ledger."""
    return _installed(Database(f"sqlite:///{folder / 'worker.db'}"))


@contextmanager
def postgresql() -> Iterator[Database]:
    """Provide a PostgreSQL database of the test's own with an empty, signed ledger; it is dropped again."""
    if find_spec("psycopg") is None:
        missing("the PostgreSQL driver psycopg")
    with socket.socket() as probe:
        if probe.connect_ex(_SERVER):
            missing("a PostgreSQL server on 127.0.0.1:5432")
    name = f"ledger_{uuid4().hex}"
    server = "postgresql+psycopg://postgres@127.0.0.1:5432"
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield _installed(Database(f"{server}/{name}"))
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fill(database: Database, count: int, *, since: int = 0, signer: SigningKey | None = SIGNER) -> None:
    """Append `count` entries in one transaction."""
    with database.transaction() as connection:
        for number in range(since, since + count):
            ledger.append(connection, make_entry(number), signer)


def newest_checkpoint(database: Database) -> str:
    """Return the newest checkpoint as somebody outside keeps it."""
    with database.transaction() as connection:
        return ledger.checkpoint(connection)


def check(database: Database, *checkpoints: str) -> ledger.Verdict:
    """Return the verdict under the signer's key."""
    with database.engine().connect() as connection:
        return ledger.verify(connection, [SIGNER.verify_key], checkpoints)


def append_in_a_process(url: str, first: int, count: int) -> list[int]:
    """Append entries one transaction each, and return their positions."""
    positions = []
    engine = Database(url).engine()
    for number in range(first, first + count):
        with engine.begin() as connection:
            positions.append(ledger.append(connection, make_entry(number), SIGNER).position)
    return positions


def die_before_commit(url: str, number: int) -> None:
    """Append an entry and be killed with the transaction open."""
    with Database(url).transaction() as connection:
        ledger.append(connection, make_entry(number), SIGNER)
        os.kill(os.getpid(), signal.SIGKILL)


def _installed(database: Database) -> Database:
    with database.transaction() as connection:
        schema.entry.metadata.create_all(connection, [schema.entry, schema.head])
        ledger.install(connection)
        ledger.sign(connection, SIGNER)
    return database


def _leave_transactions_to_us(connection, _record) -> None:  # type: ignore[no-untyped-def]  # the driver's objects
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
