"""The worker's database: one engine, short transactions, the same statements on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import InterfaceError, OperationalError

from worker.errors import Unavailable

HEAD = "0001"
"""The newest revision; a test compares it with `migrations/`, whose tools are slow to import."""

_BUSY_SECONDS = 30


def connect(url: str) -> Engine:
    """Return an engine whose transactions take their write lock at the start."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Commit what the block did, or nothing; raises `Unavailable` when the database is away."""
    try:
        with engine.begin() as connection:
            yield connection
    except (OperationalError, InterfaceError):
        raise Unavailable(
            "database-unavailable", "the database cannot be reached", "see whether the file or the server is there"
        ) from None


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; what is there stays."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("worker") / "migrations"))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Return whether the database is at `HEAD`."""
    with transaction(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def timestamp(moment: datetime) -> str:
    """Return `moment` as the RFC 3339 text that tables and leaves hold: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(written: str) -> datetime:
    """Return what `timestamp` wrote."""
    return datetime.fromisoformat(written)


def _prepare_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]  # the driver's own objects
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
