from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from key_service import JANE, JOHN, START, Clock, case, opened

from keys import app
from keys.errors import KeysRefused
from keys.model import Subject
from keys.pseudonyms import is_valid
from keys.table import KeyTable


def test_one_patient_keeps_the_pseudonym_at_one_lab_and_has_another_at_another(table: KeyTable) -> None:
    table.enrol(case("first", JANE, "lab-a", "lab-b", since=START))
    table.enrol(case("second", JANE, "lab-a", since=START))
    a, b, again = (table.assignment(t) for t in ("first.lab-a", "first.lab-b", "second.lab-a"))
    assert again == a
    assert a.pseudonym != b.pseudonym
    assert a.uid_key != b.uid_key
    assert is_valid(a.pseudonym)
    assert is_valid(b.pseudonym)


def test_two_patients_of_one_name_are_two_subjects(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    table.enrol(case("two", replace(JANE, patient_id="PN-9"), "lab", since=START))
    assert table.assignment("one.lab") != table.assignment("two.lab")


def test_dates_move_into_the_past_by_one_to_ten_years(table: KeyTable) -> None:
    for number in range(30):
        table.enrol(case(f"c{number}", replace(JANE, patient_id=str(number)), "lab", since=START))
    shifts = {table.assignment(f"c{number}.lab").date_shift_days for number in range(30)}
    assert all(-3650 <= days <= -365 for days in shifts)
    assert len(shifts) > 15


def test_the_secrets_are_not_made_from_one_another(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab-a", "lab-b", since=START))
    keys = {table.assignment(t).uid_key for t in ("one.lab-a", "one.lab-b")}
    commitments = {table.facts(t).subject_commitment for t in ("one.lab-a", "one.lab-b")}
    assert len(keys | {bytes.fromhex(c) for c in commitments}) == 4
    assert all(len(key) == 32 for key in keys)


def test_the_commitment_is_the_same_for_one_subject_and_domain_whoever_asks_first(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    table.enrol(case("two", JANE, "lab", since=START))
    table.enrol(case("three", JOHN, "lab", since=START))
    before = table.facts("one.lab")
    table.assignment("one.lab")
    assert table.facts("one.lab") == before == table.facts("two.lab")
    assert table.facts("three.lab") != before


def test_a_restart_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab", since=START))
        before = table.assignment("one.lab"), table.facts("one.lab")
    with opened(tmp_path, clock) as table:
        assert (table.assignment("one.lab"), table.facts("one.lab")) == before


def test_two_installations_call_one_patient_differently(tmp_path: Path, clock: Clock) -> None:
    seen = set()
    for home in (tmp_path / "one", tmp_path / "two"):
        app.initialise(home)
        with opened(home, clock) as table:
            table.enrol(case("c", JANE, "lab", since=START))
            seen |= {table.assignment("c.lab").pseudonym, table.facts("c.lab").subject_commitment}
    assert len(seen) == 4


def test_a_case_may_be_enrolled_again_but_not_differently(table: KeyTable) -> None:
    enrolment = case("one", JANE, "lab", since=START)
    table.enrol(enrolment)
    table.enrol(enrolment)
    for other in (
        replace(enrolment, subject=JOHN),
        replace(enrolment, subject=replace(JANE, phone=None)),
        case("one", JANE, "lab", "lab-b", since=START),
        case("one", JANE, "lab", since=START + timedelta(hours=1)),
    ):
        with pytest.raises(KeysRefused, match="case-enrolled-differently"):
            table.enrol(other)


def test_a_transfer_belongs_to_the_case_that_named_it(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    stolen = replace(case("one", JOHN, "lab", since=START), case_id="two")
    with pytest.raises(KeysRefused, match="transfer-enrolled-elsewhere"):
        table.enrol(stolen)
    table.enrol(case("two", JOHN, "lab", since=START))
    assert table.assignment("two.lab") != table.assignment("one.lab")


def test_a_changed_name_is_the_same_subject(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    table.enrol(case("two", replace(JANE, family_name="Neunauge", phone=None), "lab", since=START))
    table.enrol(case("three", JANE, "lab", since=START))
    assert table.assignment("one.lab") == table.assignment("two.lab") == table.assignment("three.lab")


def test_the_same_id_with_another_birth_date_is_a_conflict_and_leaves_nothing(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    wrong = case("two", replace(JANE, birth_date="1987-12-03"), "lab", since=START)
    with pytest.raises(KeysRefused, match="identity-conflict"):
        table.enrol(wrong)
    with pytest.raises(KeysRefused, match="transfer-unknown"):
        table.assignment("two.lab")
    table.enrol(replace(wrong, subject=JANE))


def test_a_birth_date_that_was_missing_is_taken_over_and_then_counts(table: KeyTable) -> None:
    table.enrol(case("one", Subject("", "7"), "lab", since=START))
    table.enrol(case("two", Subject("", "7", birth_date="1990-01-01"), "lab", since=START))
    table.enrol(case("three", Subject("", "7"), "lab", since=START))
    with pytest.raises(KeysRefused, match="identity-conflict"):
        table.enrol(case("four", Subject("", "7", birth_date="1990-01-02"), "lab", since=START))
    assert table.assignment("one.lab") == table.assignment("two.lab")


def test_only_open_transfers_are_answered(table: KeyTable, clock: Clock) -> None:
    table.enrol(case("one", JANE, "lab-a", "lab-b", since=START))
    table.assignment("one.lab-a")
    table.close("one.lab-a")
    table.close("one.lab-a")
    for ask in (table.assignment, table.facts):
        with pytest.raises(KeysRefused, match="transfer-closed"):
            ask("one.lab-a")
        with pytest.raises(KeysRefused, match="transfer-unknown"):
            ask("two.lab-a")
    assert table.assignment("one.lab-b")
    clock.time = START + timedelta(hours=24)
    for ask in (table.assignment, table.facts):
        with pytest.raises(KeysRefused, match="transfer-expired"):
            ask("one.lab-b")
    table.close("one.lab-b")
    with pytest.raises(KeysRefused, match="transfer-unknown"):
        table.close("two.lab-a")


def test_a_later_case_gets_the_pseudonym_of_an_earlier_one_that_was_closed(table: KeyTable) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    before = table.assignment("one.lab")
    table.close("one.lab")
    table.enrol(case("two", JANE, "lab", since=START))
    assert table.assignment("two.lab") == before


def test_a_destroyed_data_key_ends_what_was_under_it(table: KeyTable, tmp_path: Path) -> None:
    table.enrol(case("one", JANE, "lab", since=START))
    table.enrol(case("two", JOHN, "lab", since=START))
    before = table.assignment("two.lab")
    first = {path.name for path in table.data_keys.folder.iterdir()}
    table.enrol(case("three", replace(JANE, patient_id="3"), "lab", since=START))
    (pid,) = {path.name for path in table.data_keys.folder.iterdir()} - first
    table.data_keys.destroy(pid)
    table.data_keys.destroy(pid)
    with pytest.raises(KeysRefused, match="data-key-missing"):
        table.assignment("three.lab")
    assert table.assignment("two.lab") == before
