"""A disk, a database or a key store that fails is an outage: nothing half done, nothing quoted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from key_service import JANE, START, Clock, Installation, case, opened

from keys import app
from keys.client import KeysUnavailable
from keys.errors import KeysRefused
from keys.places import Places


def test_an_enrolment_whose_key_cannot_be_stored_never_happened(installed: Installation) -> None:
    places = Places.below(installed.home)
    client = installed.started()
    away = places.data_keys.rename(places.folder / "away")
    with pytest.raises(KeysUnavailable, match="keys-failing"):
        client.enrol(case("one", JANE, "lab"))
    with pytest.raises(KeysRefused, match="transfer-unknown"):
        client.assignment("one.lab")
    away.rename(places.data_keys)
    client.enrol(case("one", JANE, "lab"))
    assert client.assignment("one.lab")
    text = places.log.read_text()
    assert '"error": "FileNotFoundError"' in text
    assert "Traceback" not in text
    assert "Quasten" not in text


def test_a_database_that_another_holds_is_unavailable_and_then_back(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    with opened(tmp_path, clock) as table:
        table.enrol(case("one", JANE, "lab", since=START))
        other = sqlite3.connect(Places.below(tmp_path).database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeysUnavailable, match="database-unavailable"):
            table.assignment("one.lab")
        other.execute("ROLLBACK")
        other.close()
        assert table.assignment("one.lab")


def test_a_damaged_database_is_an_outage_without_a_trace_of_its_contents(tmp_path: Path, clock: Clock) -> None:
    app.initialise(tmp_path)
    Places.below(tmp_path).database.write_bytes(b"Quastenflosser" * 1000)
    with pytest.raises(KeysUnavailable) as failed, opened(tmp_path, clock):
        pass
    assert str(failed.value) == "database-unavailable"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
