"""The ledger's tables, and the triggers that refuse what an append-only record must not suffer.

The triggers stop mistakes, not an attacker who owns the database: the evidence is the tree.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    select,
)

from worker.metadata import metadata
from worker.tlog.merkle import EMPTY_ROOT

HEAD_ID = 1

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

entry = Table(
    "ledger_entry",
    metadata,
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("event_id", String(128), nullable=False, unique=True),
    Column("transfer_id", String(128)),
    Column("event", String(32), nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("ix_ledger_entry_transfer_id", "transfer_id"),
)
"""One row an entry; every column but `position` and `leaf` repeats what the leaf says or hashes to."""

head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", _NUMBER, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("signed_frontier", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one"),
)
"""One row: the tree, the newest checkpoint, and the frontier that this checkpoint's root comes from."""

# INSERT OR REPLACE deletes without firing a delete trigger, hence the guard on insert.
_SQLITE_GUARDS = """
CREATE TRIGGER IF NOT EXISTS ledger_entry_no_update BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;;
CREATE TRIGGER IF NOT EXISTS ledger_entry_no_delete BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;;
CREATE TRIGGER IF NOT EXISTS ledger_entry_no_replace BEFORE INSERT ON ledger_entry
WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE position = NEW.position OR event_id = NEW.event_id)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;;
CREATE TRIGGER IF NOT EXISTS ledger_head_no_delete BEFORE DELETE ON ledger_head
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;;
CREATE TRIGGER IF NOT EXISTS ledger_head_no_shrink BEFORE UPDATE ON ledger_head WHEN NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""

_POSTGRESQL_GUARDS = """
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;;
CREATE OR REPLACE TRIGGER ledger_entry_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();;
CREATE OR REPLACE TRIGGER ledger_head_no_delete BEFORE DELETE OR TRUNCATE ON ledger_head
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();;
CREATE OR REPLACE TRIGGER ledger_head_no_shrink BEFORE UPDATE ON ledger_head
FOR EACH ROW WHEN (NEW.size < OLD.size) EXECUTE FUNCTION ledger_append_only()
"""

_GUARDS = {"sqlite": _SQLITE_GUARDS, "postgresql": _POSTGRESQL_GUARDS}


def guards(dialect: str) -> tuple[str, ...]:
    """Return the statements that create the triggers; running them twice changes nothing."""
    return tuple(statement.strip() for statement in _GUARDS[dialect].split(";;"))


def install(connection: Connection) -> None:
    """Give existing tables their triggers and an empty tree; what is there stays.

    A migration calls it after creating the tables, and after each rebuild of one: SQLite drops the
    triggers of a table that Alembic's batch mode copies.
    """
    for statement in guards(connection.dialect.name):
        connection.exec_driver_sql(statement)
    if connection.execute(select(head.c.id)).first() is None:
        empty = {"size": 0, "frontier": b"", "root": EMPTY_ROOT, "checkpoint": "", "signed_frontier": b""}
        connection.execute(head.insert().values(id=HEAD_ID, **empty))
