"""Someone owns the database file: whatever they change, drop, move or add is found and named.

They drop the triggers first, as anybody would, and then go as deep as they can: the rows alone, the
hashes beside them, the whole tree and its head, a checkpoint under a key of their own.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import pytest
from ledger_support import (
    SIGNER,
    STRANGER,
    Database,
    check,
    digest,
    fill,
    make_entry,
    newest_checkpoint,
    sqlite,
)

from worker import ledger
from worker.errors import Unverified
from worker.ledger import FaultCode
from worker.records import Package
from worker.signing import SigningKey
from worker.tlog.merkle import Frontier, leaf_hash
from worker.tlog.notes import Checkpoint

COUNT, PLACE = 11, 5


class Depth(IntEnum):
    """How much an attacker recomputes after the change."""

    ROWS = 0
    HASHES = 1
    TREE = 2
    CHECKPOINT = 3
    """under a key of the attacker's own"""


@dataclass
class Row:
    position: object
    event_id: object
    transfer: object
    event: object
    leaf: object
    hashed: object


Change = Callable[[list[Row]], list[Row]]


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / "worker.db")
    with connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
    connection.close()


def _attack(folder: Path, change: Change, depth: Depth, key: SigningKey = STRANGER) -> None:
    with _opened(folder) as connection:
        columns = "position, event_id, transfer_id, event, leaf, leaf_hash"
        query = f"SELECT {columns} FROM ledger_entry ORDER BY position"  # noqa: S608  # written here
        rows = change([Row(*row) for row in connection.execute(query)])
        connection.execute("DROP TABLE ledger_entry")
        connection.execute("CREATE TABLE ledger_entry (position, event_id, transfer_id, event, leaf, leaf_hash)")
        for row in rows:
            hashed = leaf_hash(row.leaf) if depth >= Depth.HASHES and isinstance(row.leaf, bytes) else row.hashed
            values = (row.position, row.event_id, row.transfer, row.event, row.leaf, hashed)
            connection.execute("INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?)", values)
        if depth >= Depth.TREE:
            _recompute_head(connection, rows, key if depth is Depth.CHECKPOINT else None)


def _recompute_head(connection: sqlite3.Connection, rows: list[Row], key: SigningKey | None) -> None:
    tree = Frontier()
    for row in rows:
        tree = tree.append(leaf_hash(row.leaf if isinstance(row.leaf, bytes) else b""))
    head = (tree.size, tree.to_bytes(), tree.root())
    connection.execute("UPDATE ledger_head SET size = ?, frontier = ?, root = ?", head)
    if key is not None:
        note = Checkpoint(SIGNER.name, tree.size, tree.root()).signed(key)
        connection.execute("UPDATE ledger_head SET checkpoint = ?, signed_frontier = ?", (note, tree.to_bytes()))


def _forged(number: int = 99) -> Row:
    entry = make_entry(number)
    return Row(0, entry.event_id, entry.transfer, "released", entry.leaf(), leaf_hash(entry.leaf()))


def _numbered(rows: list[Row]) -> list[Row]:
    return [replace(row, position=position) for position, row in enumerate(rows)]


def _edit(rows: list[Row]) -> list[Row]:
    changed = replace(make_entry(PLACE), package=Package(digest("another package"), 1)).leaf()
    return [*rows[:PLACE], replace(rows[PLACE], leaf=changed), *rows[PLACE + 1 :]]


def _drop(rows: list[Row]) -> list[Row]:
    return rows[:PLACE] + rows[PLACE + 1 :]


def _drop_and_close_the_gap(rows: list[Row]) -> list[Row]:
    return _numbered(_drop(rows))


def _drop_the_newest(rows: list[Row]) -> list[Row]:
    return rows[:-1]


def _swap(rows: list[Row]) -> list[Row]:
    return _numbered([*rows[:PLACE], rows[PLACE + 1], rows[PLACE], *rows[PLACE + 2 :]])


def _insert(rows: list[Row]) -> list[Row]:
    return _numbered([*rows[:PLACE], _forged(), *rows[PLACE:]])


def _add(rows: list[Row]) -> list[Row]:
    return _numbered([*rows, _forged()])


def _repeat(rows: list[Row]) -> list[Row]:
    return _numbered([*rows, rows[PLACE]])


_CHANGES = [_edit, _drop, _drop_and_close_the_gap, _drop_the_newest, _swap, _insert, _add, _repeat]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = sqlite(tmp_path)
    fill(made, COUNT)
    return made


def _codes(verdict: ledger.Verdict) -> set[FaultCode]:
    return {fault.code for fault in verdict.faults}


def _covers(fault: ledger.Fault, position: int) -> bool:
    return fault.first is not None and fault.last is not None and fault.first <= position <= fault.last


def test_an_untouched_ledger_holds_even_without_its_triggers(database: Database, tmp_path: Path) -> None:
    for depth in (Depth.ROWS, Depth.HASHES, Depth.TREE):
        _attack(tmp_path, lambda rows: rows, depth)
        assert check(database, newest_checkpoint(database)).holds


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("change", _CHANGES)
def test_every_change_is_found_however_deep_it_goes(
    database: Database, tmp_path: Path, change: Change, depth: Depth
) -> None:
    _attack(tmp_path, change, depth)
    verdict = check(database)
    assert not verdict.holds
    places: dict[Change, int] = {_drop_the_newest: COUNT - 2, _add: COUNT, _repeat: COUNT}
    place = places.get(change, PLACE)
    assert any(_covers(fault, place) for fault in verdict.faults)


@pytest.mark.parametrize("change", [_edit, _drop_and_close_the_gap, _swap, _insert])
def test_checkpoints_kept_outside_name_the_very_entry(database: Database, tmp_path: Path, change: Change) -> None:
    (tmp_path / "twin").mkdir()
    other = sqlite(tmp_path / "twin")
    kept = []
    for number in range(COUNT):
        fill(other, 1, since=number)
        kept.append(newest_checkpoint(other))
    _attack(tmp_path, change, Depth.TREE)
    forked = [fault for fault in check(database, *kept).faults if fault.code is FaultCode.CHECKPOINT_FORKED]
    assert (forked[0].first, forked[0].last, forked[0].checkpoint) == (PLACE, PLACE, PLACE)


@pytest.mark.parametrize("change", _CHANGES)
def test_even_the_stolen_signing_key_does_not_help_against_a_checkpoint_outside(
    database: Database, tmp_path: Path, change: Change
) -> None:
    kept = newest_checkpoint(database)
    _attack(tmp_path, change, Depth.CHECKPOINT, SIGNER)
    codes = _codes(check(database, kept))
    if change in (_add, _repeat):
        assert FaultCode.CHECKPOINT_FORKED not in codes
    else:
        assert codes & {FaultCode.CHECKPOINT_FORKED, FaultCode.CHECKPOINT_ROLLED_BACK}


def test_an_edited_leaf_is_named_by_its_position(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, _edit, Depth.ROWS)
    faults = check(database).faults
    assert ledger.Fault(FaultCode.LEAF_CHANGED, PLACE, PLACE) in faults
    assert f"entry {PLACE}:" in str(faults[0])


def test_an_edited_leaf_with_its_hash_is_narrowed_to_its_subtree(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, lambda rows: [*rows[:-2], replace(rows[-2], leaf=_forged().leaf), rows[-1]], Depth.HASHES)
    assert ledger.Fault(FaultCode.HEAD_DIFFERS, 8, 9) in check(database).faults


def test_a_recomputed_tree_is_narrowed_by_what_is_left_of_the_signed_one(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, lambda rows: [*rows[:-2], replace(rows[-2], leaf=_forged().leaf), rows[-1]], Depth.TREE)
    assert ledger.Fault(FaultCode.CHECKPOINT_FORKED, 8, 9) in check(database).faults


def test_a_dropped_entry_is_named_by_its_position(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, _drop, Depth.TREE)
    assert ledger.Fault(FaultCode.ENTRY_MISSING, PLACE, PLACE) in check(database).faults


def test_a_repeated_event_is_named_by_its_position(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, _repeat, Depth.TREE)
    assert ledger.Fault(FaultCode.EVENT_TWICE, COUNT, COUNT) in check(database).faults


def test_a_position_taken_twice_is_named(database: Database, tmp_path: Path) -> None:
    _attack(tmp_path, lambda rows: [*rows[:4], replace(_forged(), position=3), *rows[4:]], Depth.TREE)
    assert ledger.Fault(FaultCode.ENTRY_TWICE, 3, 3) in check(database).faults


@pytest.mark.parametrize("column", ["event_id", "transfer", "event"])
def test_a_column_that_no_longer_says_what_the_leaf_says_is_named(
    database: Database, tmp_path: Path, column: str
) -> None:
    for value in ("held", None, 7, b"held"):
        _attack(tmp_path, lambda rows, value=value: _column(rows, column, value), Depth.TREE)  # type: ignore[misc]
        assert ledger.Fault(FaultCode.COLUMN_DIFFERS, PLACE, PLACE) in check(database).faults


def _column(rows: list[Row], column: str, value: object) -> list[Row]:
    return [*rows[:PLACE], replace(rows[PLACE], **{column: value}), *rows[PLACE + 1 :]]


@pytest.mark.parametrize("leaf", [b"", b"{}", b"\xff", make_entry().leaf() + b" ", b'{"v":2}'])
def test_a_leaf_of_another_form_is_named_even_when_it_is_signed(
    database: Database, tmp_path: Path, leaf: bytes
) -> None:
    _attack(tmp_path, lambda rows: _column(rows, "leaf", leaf), Depth.CHECKPOINT, SIGNER)
    assert check(database).faults == (ledger.Fault(FaultCode.LEAF_FORM, PLACE, PLACE),)


@pytest.mark.parametrize("leaf", [None, 7, "text", 1.5])
def test_a_row_of_the_wrong_type_is_named(database: Database, tmp_path: Path, leaf: object) -> None:
    _attack(tmp_path, lambda rows: _column(rows, "leaf", leaf), Depth.TREE)
    assert ledger.Fault(FaultCode.ROW_MALFORMED, PLACE, PLACE) in check(database).faults
    _attack(tmp_path, lambda rows: [*rows, replace(_forged(), position=None)], Depth.TREE)
    assert FaultCode.ROW_MALFORMED in _codes(check(database))


def test_an_older_copy_of_the_database_is_found_by_a_checkpoint_kept_outside(
    database: Database, tmp_path: Path
) -> None:
    with _opened(tmp_path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "worker.db", tmp_path / "old.db")
    early = newest_checkpoint(database)
    fill(database, 4, since=COUNT)
    kept = newest_checkpoint(database)
    for name in ("worker.db-wal", "worker.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "old.db", tmp_path / "worker.db")
    assert check(database, early).holds
    fault = ledger.Fault(FaultCode.CHECKPOINT_ROLLED_BACK, COUNT, COUNT + 3, 1)
    assert check(database, early, kept).faults == (fault,)
    fill(database, 6, since=50)
    forked = ledger.Fault(FaultCode.CHECKPOINT_FORKED, COUNT, COUNT + 3, 1)
    assert check(database, early, kept).faults == (forked,)


def test_nothing_is_signed_over_a_rewritten_tree(database: Database, tmp_path: Path) -> None:
    for change in (_edit, _drop_and_close_the_gap, _swap, _insert):
        _attack(tmp_path, change, Depth.TREE)
        with pytest.raises(Unverified), database.transaction() as connection:
            ledger.append(connection, make_entry(COUNT), SIGNER)
        with pytest.raises(Unverified), database.transaction() as connection:
            ledger.sign(connection, SIGNER)


def test_nothing_is_signed_once_the_checkpoint_is_gone(database: Database, tmp_path: Path) -> None:
    with _opened(tmp_path) as connection:
        connection.execute("UPDATE ledger_head SET checkpoint = ''")
    with pytest.raises(Unverified), database.transaction() as connection:
        ledger.append(connection, make_entry(COUNT), SIGNER)
    assert ledger.Fault(FaultCode.UNSIGNED_ENTRIES, 0, COUNT - 1) in check(database).faults


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM ledger_head", FaultCode.HEAD_MALFORMED),
        ("UPDATE ledger_head SET size = 3", FaultCode.HEAD_DIFFERS),
        ("UPDATE ledger_head SET size = 'eleven'", FaultCode.HEAD_DIFFERS),
        ("UPDATE ledger_head SET root = frontier", FaultCode.HEAD_DIFFERS),
        ("UPDATE ledger_head SET frontier = x'00'", FaultCode.HEAD_DIFFERS),
        ("UPDATE ledger_head SET frontier = 'text'", FaultCode.HEAD_DIFFERS),
        ("UPDATE ledger_head SET checkpoint = 'x'", FaultCode.CHECKPOINT_UNVERIFIED),
        ("UPDATE ledger_head SET checkpoint = x'00'", FaultCode.CHECKPOINT_UNVERIFIED),
        (
            "UPDATE ledger_head SET checkpoint = replace(checkpoint, '11', '10')",
            FaultCode.CHECKPOINT_UNVERIFIED,
        ),
        ("UPDATE ledger_head SET checkpoint = ''", FaultCode.UNSIGNED_ENTRIES),
    ],
)
def test_a_changed_head_is_found(database: Database, tmp_path: Path, statement: str, code: FaultCode) -> None:
    with _opened(tmp_path) as connection:
        connection.execute(statement)
    assert code in _codes(check(database))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE ledger_entry",
        "DROP TABLE ledger_head",
        "ALTER TABLE ledger_entry DROP COLUMN leaf",
        "UPDATE ledger_entry SET event = CAST(x'ff' AS TEXT) WHERE position = 5",
    ],
)
def test_tables_that_cannot_be_read_do_not_verify(database: Database, tmp_path: Path, statement: str) -> None:
    with _opened(tmp_path) as connection:
        connection.execute(statement)
    with pytest.raises(Unverified) as caught:
        check(database)
    assert caught.value.code == "ledger-unreadable"


def test_a_ledger_emptied_altogether_is_found_by_any_checkpoint_kept_outside(
    database: Database, tmp_path: Path
) -> None:
    kept = newest_checkpoint(database)
    _attack(tmp_path, lambda _rows: [], Depth.CHECKPOINT, SIGNER)
    assert check(database).holds
    assert check(database, kept).faults == (ledger.Fault(FaultCode.CHECKPOINT_ROLLED_BACK, 0, COUNT - 1, 0),)


def test_a_checkpoint_that_is_not_this_ledgers_is_named(database: Database) -> None:
    other = SigningKey("other.example/log", SIGNER.seed)
    size_and_root = (COUNT, check(database).root)
    foreign = Checkpoint(other.name, *size_and_root).signed(other)
    stolen_name = Checkpoint(SIGNER.name, *size_and_root).signed(STRANGER)
    verdict = check(database, newest_checkpoint(database), foreign, stolen_name, "", "no note")
    assert [(fault.code, fault.checkpoint) for fault in verdict.faults] == [
        (FaultCode.CHECKPOINT_UNVERIFIED, number) for number in (1, 2, 3, 4)
    ]


def test_two_signed_checkpoints_that_contradict_each_other_are_never_both_accepted(
    database: Database,
) -> None:
    kept = newest_checkpoint(database)
    for size in (0, 3, COUNT):
        contradiction = Checkpoint(SIGNER.name, size, bytes(32)).signed(SIGNER)
        for given in ([contradiction, kept], [kept, contradiction]):
            faults = check(database, *given).faults
            assert [fault.code for fault in faults] == [FaultCode.CHECKPOINT_FORKED]


def test_verification_without_a_key_is_no_verification(database: Database) -> None:
    with database.engine().connect() as connection, pytest.raises(Unverified):
        ledger.verify(connection, [])


def test_no_fault_repeats_what_an_attacker_wrote(database: Database, tmp_path: Path) -> None:
    planted = json.dumps({"v": 1, "event": "Niroloez"}).encode()
    _attack(tmp_path, lambda rows: _column(_column(rows, "leaf", planted), "transfer", "Niroloez"), Depth.TREE)
    verdict = check(database)
    assert not verdict.holds
    assert "Niroloez" not in " ".join(str(fault) for fault in verdict.faults) + repr(verdict)


def test_faults_beyond_the_limit_are_counted(database: Database, tmp_path: Path) -> None:
    fill(database, 1000, since=COUNT, signer=None)
    fill(database, 1, since=2000)
    _attack(tmp_path, lambda rows: [replace(row, hashed=b"") for row in rows], Depth.ROWS)
    verdict = check(database)
    assert verdict.found == COUNT + 1001
    assert len(verdict.faults) == 1000
