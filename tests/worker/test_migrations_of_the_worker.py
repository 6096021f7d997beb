"""The worker's database: from empty to the newest revision, and again over what is there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from installations import Clinic, installed, released_once, work_until_idle, worker_of
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from worker import app, database, schema
from worker.ledger import schema as ledger_schema
from worker.metadata import metadata


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with installed(tmp_path) as made:
        yield made


def empty(folder: Path) -> Engine:
    return database.connect(f"sqlite:///{folder / 'worker.db'}")


def rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with engine.begin() as connection:
        names = inspect(connection).get_table_names()
        return {name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))] for name in names}  # noqa: S608 - names of our own tables


def triggers(engine: Engine) -> set[str]:
    with engine.begin() as connection:
        return set(connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")).scalars())


def test_from_empty_to_head_equals_the_schema(tmp_path: Path) -> None:
    engine = empty(tmp_path)
    database.migrate(engine)
    assert schema.transfer.metadata is ledger_schema.entry.metadata is metadata
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_the_newest_revision_is_the_one_the_worker_asks_for() -> None:
    scripts = ScriptDirectory(str(files("worker") / "migrations"))
    assert scripts.get_heads() == [database.HEAD]
    assert len(scripts.get_bases()) == 1


def test_a_database_is_current_only_at_the_newest_revision(tmp_path: Path) -> None:
    engine = empty(tmp_path)
    assert not database.is_current(engine)
    database.migrate(engine)
    assert database.is_current(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert not database.is_current(engine)
    engine.dispose()


def test_migrating_again_keeps_rows_triggers_and_the_ledgers_verdict(clinic: Clinic) -> None:
    released, waiting = clinic.submit().transfers[0], None
    with worker_of(clinic) as services:
        work_until_idle(services)
    waiting = clinic.submit().transfers[0]
    engine = clinic.records().engine
    before, guards, verdict = rows(engine), triggers(engine), clinic.verdict()
    assert all(before[name] for name in ("clinic_case", "item", "part", "transfer", "recipient", "ledger_entry"))
    database.migrate(engine)
    assert (rows(engine), triggers(engine), clinic.verdict()) == (before, guards, verdict)
    assert verdict.faults == ()
    assert len(guards) >= 2
    with worker_of(clinic) as services:
        work_until_idle(services)
    released_once(clinic, released)
    released_once(clinic, waiting)


def test_the_ledger_stays_append_only_after_migrating(clinic: Clinic) -> None:
    clinic.submit()
    engine = clinic.records().engine
    database.migrate(engine)
    for statement in ("DELETE FROM ledger_entry", "UPDATE ledger_entry SET event = 'released'"):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(statement))
    assert clinic.verdict().faults == ()


def test_an_installation_with_an_empty_database_is_brought_to_head_when_opened(tmp_path: Path, clinic: Clinic) -> None:
    clinic.home.database.rename(tmp_path / "taken-away.db")
    opened = app.engine(clinic.home)
    assert database.is_current(opened)


def test_every_commit_is_on_disk_when_it_returns(clinic: Clinic) -> None:
    with database.transaction(clinic.records().engine) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
