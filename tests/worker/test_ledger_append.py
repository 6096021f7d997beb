"""Appending: once per event, under a checkpoint, in the caller's transaction, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from ledger_support import (
    SIGNER,
    STRANGER,
    Database,
    append_in_a_process,
    check,
    die_before_commit,
    fill,
    make_entry,
    newest_checkpoint,
    postgresql,
    sqlite,
)
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from worker import ledger
from worker.errors import Misconfigured, Unverified
from worker.ledger import schema
from worker.records import Event
from worker.tlog.merkle import is_consistent
from worker.tlog.notes import open_checkpoint


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield sqlite(tmp_path)
    else:
        with postgresql() as made:
            yield made


def test_a_new_ledger_verifies(database: Database) -> None:
    verdict = check(database, newest_checkpoint(database))
    assert verdict.holds
    assert verdict.size == 0


def test_entries_stand_one_after_the_other_in_a_ledger_that_verifies(database: Database) -> None:
    with database.transaction() as connection:
        places = [ledger.append(connection, make_entry(number), SIGNER) for number in range(20)]
    assert [place.position for place in places] == list(range(20))
    assert [place.size for place in places] == list(range(1, 21))
    verdict = check(database)
    assert verdict.holds
    assert verdict.size == 20
    assert verdict.checkpoint is not None
    assert verdict.checkpoint.size == 20


def test_what_was_appended_is_read_back(database: Database) -> None:
    fill(database, 12)
    with database.transaction() as connection:
        recorded = list(ledger.entries(connection))
        assert [one.entry for one in recorded] == [make_entry(number) for number in range(12)]
        assert list(ledger.entries(connection, since=9)) == recorded[9:]


def test_the_history_of_a_transfer_is_its_own_entries(database: Database) -> None:
    with database.transaction() as connection:
        for number, event in enumerate((Event.RECEIVED, Event.HELD, Event.REOPENED)):
            ledger.append(connection, make_entry(number, event, "transfer-a"), SIGNER)
            ledger.append(connection, make_entry(number + 10, event, "transfer-b"), SIGNER)
        events = [one.entry.event for one in ledger.history(connection, "transfer-a")]
        newest = ledger.latest(connection, "transfer-a")
        assert events == [Event.RECEIVED, Event.HELD, Event.REOPENED]
        assert newest is not None
        assert newest.entry.event is Event.REOPENED
        assert newest.position == 4
        assert ledger.latest(connection, "transfer-c") is None


def test_an_event_done_twice_is_recorded_once_with_its_first_time(database: Database) -> None:
    fill(database, 3)
    again = replace(make_entry(1), at=make_entry(1).at + timedelta(seconds=5))
    with database.transaction() as connection:
        assert ledger.append(connection, again, SIGNER) == ledger.Appended(1, 3)
        assert [one.entry.at for one in ledger.entries(connection)] == [make_entry(number).at for number in range(3)]
    assert check(database).size == 3


def test_an_event_id_with_other_facts_is_refused(database: Database) -> None:
    fill(database, 3)
    with pytest.raises(ledger.EventDiffers), database.transaction() as connection:
        ledger.append(connection, replace(make_entry(1), size=1), SIGNER)
    assert check(database).holds


def test_what_the_caller_rolls_back_never_happened(database: Database) -> None:
    fill(database, 3)
    before = newest_checkpoint(database)
    with database.engine().connect() as connection:
        ledger.append(connection, make_entry(3), SIGNER)
        connection.rollback()
    assert newest_checkpoint(database) == before
    fill(database, 1, since=3)
    assert check(database, before).size == 4


def test_a_process_killed_before_its_commit_leaves_nothing(database: Database) -> None:
    fill(database, 3)
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as pool,
        pytest.raises(BrokenProcessPool),
    ):
        pool.submit(die_before_commit, database.url, 3).result()
    assert check(database).size == 3
    fill(database, 1, since=3)
    assert check(database).holds


def test_processes_append_without_gaps_or_doubles(database: Database) -> None:
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        jobs = [pool.submit(append_in_a_process, database.url, first, 15) for first in (0, 100, 200)]
        positions = [position for job in jobs for position in job.result()]
    assert sorted(positions) == list(range(45))
    verdict = check(database)
    assert verdict.holds
    assert verdict.size == 45


def test_processes_that_record_the_same_events_record_them_once(database: Database) -> None:
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        jobs = [pool.submit(append_in_a_process, database.url, 0, 10) for _ in range(3)]
        positions = [job.result() for job in jobs]
    assert positions[0] == positions[1] == positions[2]
    assert check(database).size == 10


def test_entries_without_a_signer_are_under_no_checkpoint_until_somebody_signs(database: Database) -> None:
    fill(database, 2)
    fill(database, 3, since=2, signer=None)
    verdict = check(database)
    assert [(fault.code, fault.first, fault.last) for fault in verdict.faults] == [
        (ledger.FaultCode.UNSIGNED_ENTRIES, 2, 4)
    ]
    with database.transaction() as connection:
        signed = open_checkpoint(ledger.sign(connection, SIGNER), [SIGNER.verify_key])
    assert signed.size == 5
    assert check(database).holds


def test_a_signer_who_comes_later_signs_for_those_before(database: Database) -> None:
    fill(database, 3, signer=None)
    fill(database, 1, since=3)
    assert check(database).holds


def test_every_checkpoint_is_consistent_with_those_before_it(database: Database) -> None:
    kept = [newest_checkpoint(database)]
    for number in range(9):
        fill(database, 1, since=number)
        kept.append(newest_checkpoint(database))
    heads = [open_checkpoint(note, [SIGNER.verify_key]) for note in kept]
    with database.transaction() as connection:
        for old in heads:
            proof = ledger.consistency(connection, old.size, 9)
            assert is_consistent(old.size, old.root, 9, heads[-1].root, proof)
    assert check(database, *kept).holds


def test_nobody_signs_over_a_ledger_that_another_key_signed(database: Database) -> None:
    fill(database, 2)
    with pytest.raises(Unverified), database.transaction() as connection:
        ledger.append(connection, make_entry(2), STRANGER)
    with database.transaction() as connection:
        ledger.sign(connection, STRANGER, former=[SIGNER.verify_key])
        ledger.append(connection, make_entry(2), STRANGER)
    with database.engine().connect() as connection:
        assert ledger.verify(connection, [STRANGER.verify_key]).holds


def test_a_database_without_a_ledger_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with database.transaction() as connection:
        schema.entry.metadata.create_all(connection, [schema.entry, schema.head])
    with pytest.raises(Misconfigured), database.transaction() as connection:
        ledger.append(connection, make_entry())


def test_installing_again_changes_nothing(database: Database) -> None:
    fill(database, 2)
    with database.transaction() as connection:
        ledger.install(connection)
    assert check(database).size == 2


def test_no_word_of_an_entry_reaches_the_error_of_a_refused_event(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 1)
    with pytest.raises(ledger.EventDiffers) as caught, database.transaction() as connection:
        ledger.append(connection, replace(make_entry(0), transfer="transfer-planted"), SIGNER)
    assert "planted" not in str(caught.value)


def test_a_writer_that_forgot_begin_immediate_fails_and_loses_no_entry(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    careless = create_engine(database.url)
    with careless.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        assert ledger.latest(connection, "transfer-0") is None
        fill(database, 2)
        with pytest.raises(OperationalError):
            ledger.append(connection, make_entry(2), SIGNER)
    careless.dispose()
    assert check(database).size == 2


def test_events_of_every_kind_verify(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    with database.transaction() as connection:
        for number, event in enumerate(Event):
            ledger.append(connection, make_entry(number, event), SIGNER)
    assert check(database).size == len(Event)
