"""An entry has one leaf, byte for byte, and no room for a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from ledger_support import digest, make_entry

from worker.model import Role
from worker.records import (
    Category,
    Entry,
    Event,
    Exporter,
    Importer,
    Package,
    Pseudonymised,
    StatedBasis,
    Summary,
    canonical,
)
from worker.records.fields import InvalidEntry

_PERSONAL = (
    "Eman Niroloez",
    "eman@example.org",
    "+49 30 123456",
    "Müller",
    "1987-03-02 Berlin",
    "a" * 200,
    "",
    " x",
)


def _with(entry: Entry, **changes: Any) -> Entry:
    """Return the entry with changes that no type checker would let through."""
    return replace(entry, **changes)


@pytest.mark.parametrize("event", list(Event))
def test_an_entry_comes_back_from_its_leaf(event: Event) -> None:
    entry = make_entry(3, event)
    assert Entry.parse(entry.leaf()) == entry


def test_an_entry_with_a_basis_comes_back_from_its_leaf() -> None:
    basis = StatedBasis("eu-scc-2021-914-m1", digest("scc"), "tia-2026-04", date(2027, 1, 31))
    entry = replace(make_entry(), basis=basis)
    assert Entry.parse(entry.leaf()) == entry
    assert json.loads(entry.leaf())["basis"]["mechanism"] == "eu-scc-2021-914-m1"


def test_a_leaf_says_that_no_basis_was_stated() -> None:
    assert json.loads(make_entry().leaf())["basis"] == "not-stated"


def test_a_leaf_is_versioned_sorted_and_without_white_space_around_its_tokens() -> None:
    leaf = make_entry().leaf()
    read = json.loads(leaf)
    assert read["v"] == 1
    assert leaf == json.dumps(read, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_two_spellings_of_one_name_make_one_leaf() -> None:
    composed = replace(make_entry(), exporter=Exporter("Zahnarztpraxis Bl\u00fcmel", "DE"))
    decomposed = replace(make_entry(), exporter=Exporter("Zahnarztpraxis Blu\u0308mel", "DE"))
    assert composed.leaf() == decomposed.leaf()


def test_the_order_of_codes_and_categories_does_not_matter() -> None:
    one = replace(make_entry(), codes=("b", "a", "b"), categories=(Category("stl", "upper", 1), Category("a", "b", 1)))
    two = replace(make_entry(), codes=("a", "b"), categories=(Category("a", "b", 1), Category("stl", "upper", 1)))
    assert one.leaf() == two.leaf()


def test_one_moment_in_two_zones_makes_one_leaf() -> None:
    berlin = timezone(timedelta(hours=1))
    here = replace(make_entry(), at=datetime(2026, 3, 1, 9, tzinfo=berlin))
    assert here.leaf() == replace(make_entry(), at=datetime(2026, 3, 1, 8, tzinfo=UTC)).leaf()


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidEntry):
        replace(make_entry(), at=datetime(2026, 3, 1, 9))  # noqa: DTZ001  # the fault under test


@pytest.mark.parametrize("text", _PERSONAL)
def test_no_field_takes_free_text(text: str) -> None:
    entry = make_entry()
    for field in (
        "event_id",
        "transfer",
        "case",
        "source",
        "destination",
        "purpose",
        "subject_commitment",
        "reason",
    ):
        with pytest.raises(InvalidEntry) as caught:
            _with(entry, **{field: text})
        assert field in caught.value.what
        assert not text or text not in str(caught.value) + caught.value.what + caught.value.hint
    for field in ("codes", "without"):
        with pytest.raises(InvalidEntry):
            _with(entry, **{field: (text,)})


@pytest.mark.parametrize("text", _PERSONAL)
def test_no_part_of_an_entry_takes_free_text(text: str) -> None:
    makers = (
        lambda: Exporter("Praxis", text),
        lambda: Importer(text, "Lab", "CN", Role.LAB, digest("key")),
        lambda: Importer("lab", "Lab", "CN", Role.LAB, text),
        lambda: StatedBasis(text),
        lambda: StatedBasis("eu-scc", text),
        lambda: StatedBasis("eu-scc", None, text),
        lambda: Category(text, "upper", 1),
        lambda: Category("stl", text, 1),
        lambda: Pseudonymised(text, digest("rules")),
        lambda: Package(text, 1),
    )
    for make in makers:
        with pytest.raises(InvalidEntry):
            make()


@pytest.mark.parametrize("number", [-1, 1 << 53, 1.5, True, "1"])
def test_a_count_is_a_whole_number_that_every_reader_can_hold(number: object) -> None:
    for field in ("items", "size", "attempt"):
        with pytest.raises(InvalidEntry):
            _with(make_entry(), **{field: number})


@pytest.mark.parametrize("name", ["", "  ", "Praxis\nBlümel", "Praxis\x00", "x" * 201, "\ud800"])
def test_a_legal_name_is_one_printable_line(name: str) -> None:
    with pytest.raises(InvalidEntry):
        Exporter(name, "DE")


@pytest.mark.parametrize("event", [Event.RELEASED, Event.PUBLISHED, Event.COLLECTED, Event.ACKNOWLEDGED])
def test_no_disclosure_without_its_package_subject_method_and_profile(event: Event) -> None:
    for field in ("subject_commitment", "package", "method", "pseudonymised"):
        with pytest.raises(InvalidEntry) as caught:
            _with(make_entry(0, event), **{field: None})
        assert field in caught.value.what


@pytest.mark.parametrize("event", [Event.RECEIVED, Event.HELD, Event.EXPIRED])
def test_no_event_of_a_transfer_without_its_transfer_countries_and_purpose(event: Event) -> None:
    for field in ("transfer", "case", "source", "destination", "purpose"):
        with pytest.raises(InvalidEntry):
            _with(make_entry(0, event), **{field: None})


@pytest.mark.parametrize("event", [Event.HELD, Event.REFUSED])
def test_a_hold_or_refusal_says_why(event: Event) -> None:
    with pytest.raises(InvalidEntry):
        replace(make_entry(), event=event, codes=(), reason=None)


def test_a_recipient_is_added_without_any_transfer() -> None:
    entry = Entry(
        event=Event.RECIPIENT_ADDED,
        event_id="recipient-added:lab-1",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        exporter=Exporter("Praxis", "DE"),
        recipient=Importer("lab-1", "Lab", "CN", Role.LAB, digest("key")),
    )
    assert Entry.parse(entry.leaf()) == entry


def _changed(**changes: object) -> bytes:
    read = json.loads(make_entry().leaf())
    return json.dumps({**read, **changes}, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        make_entry().leaf() + b"\n",
        make_entry().leaf().replace(b'"attempt":1,', b'"attempt": 1,'),
        make_entry().leaf().replace(b'"attempt":1,', b'"attempt":1,"attempt":1,'),
        make_entry().leaf().replace("ü".encode(), b"\\u00fc"),
        make_entry().leaf().replace("ü".encode(), "u\u0308".encode()),
        _changed(v=2),
        _changed(v="1"),
        _changed(items=1.0),
        _changed(items=None),
        _changed(note="Eman Niroloez"),
        _changed(event="forgotten"),
        _changed(exporter={"name": "Praxis", "country": "DE", "contact": "Eman"}),
        _changed(at="2026-03-01T08:00:00Z"),
        _changed(codes=[]),
        _changed(basis=None),
        _changed(codes=["b", "a"]),
    ],
)
def test_other_bytes_are_no_leaf(leaf: bytes) -> None:
    with pytest.raises(InvalidEntry) as caught:
        Entry.parse(leaf)
    assert "Eman" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_summary_repeats_what_the_leaf_says() -> None:
    entry = make_entry(5)
    assert Summary.of(entry.leaf()) == Summary("released", "event-5", "transfer-5")
    for leaf in (b"", b"[]", entry.leaf() + b" ", entry.leaf().replace("ü".encode(), "u\u0308".encode())):
        with pytest.raises(InvalidEntry):
            Summary.of(leaf)


def test_canonical_json_is_utf_8() -> None:
    assert canonical({"b": "ü", "a": [1, None]}) == '{"a":[1,null],"b":"ü"}'.encode()
