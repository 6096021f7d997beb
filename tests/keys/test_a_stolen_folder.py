"""Whoever takes the database, its log or the key store, but not the key-encryption key, learns nothing."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import astuple
from pathlib import Path

import pytest
from key_service import JANE, JOHN, START, Clock, Installation, case, opened

from keys import app
from keys.client import Assignment
from keys.errors import KeysMisconfigured
from keys.places import Places


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spellings(word: str) -> list[bytes]:
    forms = {word, word.lower(), word.upper(), word.replace("-", "")}
    return [form.encode(code) for form in forms for code in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")]


def secrets_of(found: Assignment) -> list[bytes]:
    key = [found.uid_key, found.uid_key.hex().encode(), found.uid_key.hex().upper().encode()]
    return [*spellings(found.pseudonym), *key]


def test_no_file_holds_identity_pseudonym_secret_or_token(installed: Installation) -> None:
    client = installed.started()
    client.enrol(case("one", JANE, "lab-a", "lab-b"))
    client.enrol(case("two", JOHN, "lab-a"))
    found = [client.assignment(t) for t in ("one.lab-a", "one.lab-b", "two.lab-a")]
    commitment = client.facts("one.lab-a").subject_commitment
    planted = [word for subject in (JANE, JOHN) for word in astuple(subject) if word and len(word) > 4]
    searched = [form for word in planted for form in spellings(word)]
    searched += [form for assignment in found for form in secrets_of(assignment)]
    searched += [commitment.encode(), bytes.fromhex(commitment)]
    searched += [token.encode() for token in astuple(installed.credentials)]
    folder = Places.below(installed.home).folder
    running = contents(folder)
    assert {"keys.db", "keys.db-wal", "log", "kek", "credentials"} <= set(running)
    assert installed.command("stop").returncode == 0
    for files in (running, contents(folder)):
        assert not [(name, word) for name, content in files.items() for word in searched if word in content]


def rows(database: Path) -> list[tuple[str, tuple[object, ...]]]:
    with sqlite3.connect(database) as connection:
        tables = ("subject", "subject_index", "enrolment", "transfer", "forward", "reverse")
        return [(t, row) for t in tables for row in connection.execute(f"SELECT * FROM {t}")]  # noqa: S608


def test_nothing_in_the_database_joins_two_pseudonyms_or_a_pseudonym_to_a_case(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab-a", "lab-b", since=START))
        table.enrol(case("two", JOHN, "lab-a", "lab-b", since=START))
        for name in ("one.lab-a", "one.lab-b", "two.lab-a", "two.lab-b"):
            table.assignment(name)
    found = rows(Places.below(tmp_path).database)
    counted = Counter(value for _, row in found for value in set(row))
    for name, row in found:
        if name in ("forward", "reverse"):
            assert [counted[value] for value in row] == [1, 1]
        if name == "enrolment":
            assert [counted[value] for value in row[1:]] == [1, 1]
    # All sealed assignments have one size, and so have all sealed subjects: neither gives a hint.
    for name in ("forward", "reverse", "enrolment", "subject"):
        assert len({len(row[-1]) for table_name, row in found if table_name == name}) == 1  # type: ignore[arg-type]


def test_no_table_keeps_the_order_of_its_rows(tmp_path: Path) -> None:
    app.initialise(tmp_path)
    with sqlite3.connect(Places.below(tmp_path).database) as connection:
        for (statement,) in connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
        ):
            assert "WITHOUT ROWID" in statement


def test_everything_is_for_its_owner_alone(installed: Installation) -> None:
    installed.started().enrol(case("one", JANE, "lab"))
    folder = Places.below(installed.home).folder
    for path in [folder, *folder.rglob("*")]:
        assert path.lstat().st_mode & 0o077 == 0, path.name


def test_another_key_encryption_key_opens_nothing(tmp_path: Path, clock: Clock) -> None:
    for home in (tmp_path / "one", tmp_path / "two"):
        app.initialise(home)
    Places.below(tmp_path / "one").kek.write_bytes(Places.below(tmp_path / "two").kek.read_bytes())
    with pytest.raises(KeysMisconfigured, match="keys-damaged"), opened(tmp_path / "one", clock):
        pass


def test_a_data_key_put_in_anothers_place_does_not_unwrap(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab", since=START))
        table.enrol(case("two", JOHN, "lab", since=START))
        first, second = Places.below(tmp_path).data_keys.iterdir()
        one, two = first.read_bytes(), second.read_bytes()
        first.write_bytes(two)
        second.write_bytes(one)
        for name in ("one.lab", "two.lab"):
            with pytest.raises(KeysMisconfigured, match="keys-damaged"):
                table.assignment(name)


def test_rows_put_in_anothers_place_do_not_open(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab", since=START))
        table.enrol(case("two", JOHN, "lab", since=START))
        with sqlite3.connect(Places.below(tmp_path).database) as connection:
            connection.execute("UPDATE enrolment SET subject = (SELECT subject FROM enrolment WHERE case_id = 'one')")
        connection.close()
        assert table.assignment("one.lab")
        with pytest.raises(KeysMisconfigured, match="keys-damaged"):
            table.assignment("two.lab")


def test_the_log_says_what_was_asked_and_no_more(installed: Installation) -> None:
    client = installed.started()
    client.enrol(case("logged", JANE, "lab"))
    client.assignment("logged.lab")
    text = Places.below(installed.home).log.read_text()
    assert '"event": "enrol", "case": "logged"' in text
    assert '"event": "assignment", "transfer": "logged.lab"' in text
    fields = {name for line in text.splitlines() for name in json.loads(line)}
    assert fields <= {
        "time",
        "level",
        "event",
        "source",
        "error",
        "case",
        "transfer",
        "code",
        "duration",
        "pid",
    }
