"""The database itself refuses to change or drop an entry, by whatever statement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_support import Database, check, fill, postgresql, sqlite
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from worker.ledger.schema import guards

_EVERYWHERE = (
    "UPDATE ledger_entry SET leaf = leaf_hash",
    "UPDATE ledger_entry SET position = 9 WHERE position = 1",
    "DELETE FROM ledger_entry WHERE position = 1",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_head",
    "UPDATE ledger_head SET size = 1",
    "INSERT INTO ledger_head SELECT 2, size, frontier, root, checkpoint, signed_frontier FROM ledger_head",
    "INSERT INTO ledger_entry SELECT * FROM ledger_entry WHERE position = 1",
)
_SQLITE = (
    "INSERT OR REPLACE INTO ledger_entry SELECT position, 'event-9', transfer_id, event, leaf, leaf_hash "
    "FROM ledger_entry WHERE position = 1",
    "INSERT OR REPLACE INTO ledger_entry SELECT 9, event_id, transfer_id, event, leaf, leaf_hash "
    "FROM ledger_entry WHERE position = 1",
)
_POSTGRESQL = ("TRUNCATE ledger_entry", "TRUNCATE ledger_head")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield sqlite(tmp_path)
    else:
        with postgresql() as made:
            yield made


def test_no_statement_changes_what_is_recorded(database: Database) -> None:
    fill(database, 3)
    for statement in (*_EVERYWHERE, *(_SQLITE if database.url.startswith("sqlite") else _POSTGRESQL)):
        with pytest.raises(DBAPIError), database.transaction() as connection:
            connection.execute(text(statement))
    assert check(database).holds


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_guard_can_be_created_twice(dialect: str) -> None:
    for statement in guards(dialect):
        assert statement.startswith(("CREATE TRIGGER IF NOT EXISTS", "CREATE OR REPLACE"))
