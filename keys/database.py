"""Connections to the key database: every write is one transaction that is on disk when it returns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from keys.errors import KeysUnavailable
from keys.schema import REVISION

_IMMEDIATE = "keys_immediate"
_BUSY_MILLISECONDS = 4000


class Collision(Exception):
    """Another writer, or chance, was first with the same key: the transaction is to be tried again."""


@dataclass(frozen=True, slots=True)
class Database:
    """One engine; writers of this process queue here rather than inside SQLite, which does not queue them."""

    engine: sa.Engine
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection for statements that change nothing."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction that holds the write lock and commits at the end."""
        writer = self.engine.execution_options(**{_IMMEDIATE: True})
        with _translated(), self._writing, writer.begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the tables to the newest revision; Alembic is loaded only if there is something to do."""
        if self._revision() == REVISION:
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(files("keys").joinpath("migrations")))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _revision(self) -> str | None:
        with self.reading() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table("alembic_version")))

    def close(self) -> None:
        """Give back every connection; SQLite folds its write-ahead log into the file."""
        self.engine.dispose()


def connect(url: str) -> Database:
    """Return the database at `url`; nothing is opened yet."""
    engine = sa.create_engine(url, hide_parameters=True, pool_size=8, max_overflow=40, pool_pre_ping=False)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return Database(engine)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise Collision from None
    except SQLAlchemyError:
        raise KeysUnavailable("database-unavailable") from None


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
