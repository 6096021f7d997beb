"""Registers exported from the ledger: one row an entry, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from ledger_support import digest, fill, make_entry, sqlite

from worker import ledger
from worker.records import Entry, Event, Exporter, Recorded, StatedBasis
from worker.records.registers import COLUMNS, Format, export
from worker.tlog.merkle import leaf_hash


def _recorded(*entries: Entry) -> list[Recorded]:
    return [Recorded(number, entry, leaf_hash(entry.leaf())) for number, entry in enumerate(entries)]


def _csv(*entries: Entry) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(export(_recorded(*entries), Format.CSV)), newline="")))


def test_every_entry_is_a_row_with_its_position_and_hash(tmp_path: Path) -> None:
    database = sqlite(tmp_path)
    fill(database, 7)
    with database.transaction() as connection:
        table = "".join(export(ledger.entries(connection), Format.CSV))
        array = "".join(export(ledger.entries(connection), Format.JSON))
    rows, objects = list(csv.DictReader(io.StringIO(table, newline=""))), json.loads(array)
    assert [row["position"] for row in rows] == [str(one["position"]) for one in objects]
    assert [row["leaf_hash"] for row in rows] == [one["leaf_hash"] for one in objects]
    assert [one["position"] for one in objects] == list(range(7))


def test_the_columns_are_fixed() -> None:
    assert tuple(_csv(make_entry())[0]) == COLUMNS
    assert "".join(export([], Format.CSV)) == ",".join(COLUMNS) + "\r\n"


def test_a_row_says_who_where_to_what_and_on_which_basis() -> None:
    basis = StatedBasis("eu-scc-2021-914-m1", digest("scc"), "tia-7", date(2027, 1, 31))
    row = _csv(replace(make_entry(4), basis=basis))[0]
    assert (row["exporter"], row["recipient_name"]) == ("Zahnarztpraxis Blümel", "上海 Aligner Lab")
    assert (row["source"], row["destination"]) == ("DE", "CN")
    assert row["categories"] == "dicom/panoramic:1 stl/upper:1"
    assert (row["basis"], row["basis_valid_until"]) == ("eu-scc-2021-914-m1", "2027-01-31")
    assert row["at"] == "2026-03-01T08:04:00.000000Z"
    assert _csv(make_entry())[0]["basis"] == "not-stated"


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)"])
def test_a_name_cannot_become_a_formula(name: str) -> None:
    assert _csv(replace(make_entry(), exporter=Exporter(name, "DE")))[0]["exporter"] == f"'{name}"


def test_json_holds_the_leaves_as_they_are() -> None:
    entries = [make_entry(number, event) for number, event in enumerate(Event)]
    for read, entry in zip(json.loads("".join(export(_recorded(*entries), Format.JSON))), entries, strict=True):
        assert {key: read[key] for key in read if key not in ("position", "leaf_hash")} == json.loads(entry.leaf())


def test_no_entries_make_an_empty_array() -> None:
    assert json.loads("".join(export([], Format.JSON))) == []
