from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from key_service import JANE, START, Clock, case, opened

from keys import app, schema
from keys.database import connect


def test_from_empty_to_head_equals_the_schema(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'keys.db'}")
    database.migrate()
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    database.close()


def test_migrating_again_leaves_the_rows_in_place(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab", since=START))
        before = table.assignment("one.lab")
        table.database.migrate()
        assert table.assignment("one.lab") == before


def test_the_newest_revision_is_the_one_the_service_asks_for() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert scripts.get_heads() == [schema.REVISION]


def test_every_write_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'keys.db'}")
    with database.writing() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    database.close()
