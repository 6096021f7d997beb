"""An order tells whom to search for; words that name nobody are left out."""

from __future__ import annotations

import pytest

from pipelines.harvest import terms_of_order
from pipelines.terms import TermKind, Terms, matches


def _texts(terms: Terms, kind: TermKind) -> set[str]:
    return {term.text for term in terms if term.kind is kind}


def _named(family: str, given: str) -> set[str]:
    return _texts(terms_of_order("P-1", family, given, ""), TermKind.NAME)


def test_a_whole_order_gives_terms_of_every_kind() -> None:
    terms = terms_of_order(
        "PAT-0098",
        "Müller-Lüdenscheid",
        "Anna Maria",
        "1984-02-29",
        issuer="PRAXIS-STUTTGART",
        phone="+49 170 5550188",
        email="a.mueller@example.org",
        address="Lindenweg 3, 70190 Stuttgart",
    )
    told = "PAT-0098|müller|LÜDENSCHEID|Anna|Maria|29.02.1984|praxis-stuttgart|0170/5550188|A.Mueller|lindenweg 3"
    for text in told.split("|"):
        assert matches(text, terms), text
    for text in ("Stuttgart", "70190", "Zahnarzt", "1984", "example.org", "upper jaw"):
        assert not matches(text, terms), text


@pytest.mark.parametrize(
    ("family", "given", "words"),
    [
        ("O'Brien", "Mary-Jane", {"brien", "mary", "jane"}),
        ("van der Berg", "Dr. Jan", {"berg", "jan"}),
        ("Smith", "J", {"smith"}),
        ("ANONYMOUS", "Patient", set()),
        ("Test", "^^", set()),
        ("Le", "Van", {"le", "van"}),
        ("de la Cruz", "Ben", {"cruz", "ben"}),
        ("Prima", "", {"prima"}),
    ],
)
def test_a_name_is_taken_apart_and_what_names_nobody_is_dropped(family: str, given: str, words: set[str]) -> None:
    assert _named(family, given) >= words
    assert all(word in words or any(mark in word for mark in " ^,_-") for word in _named(family, given))


def test_two_short_names_are_also_known_together() -> None:
    assert {"li", "na", "li na", "na li", "li^na"} <= _named("Li", "Na")


def test_a_name_in_ideographs_is_known_without_a_space() -> None:
    assert {"山田", "太郎", "山田太郎"} <= _named("山田", "太郎")
    assert "王小东" in _named("王", "小东")


@pytest.mark.parametrize("patient_id", ["", "-", "0000", "unknown", "N/A", "   ", "^"])
def test_a_placeholder_is_no_identifier(patient_id: str) -> None:
    assert not _texts(terms_of_order(patient_id, "Smith", "Jane", ""), TermKind.ID)


@pytest.mark.parametrize("birth_date", ["", "1900-01-01", "19840299", "unknown", "84"])
def test_an_impossible_date_or_a_placeholder_is_no_date(birth_date: str) -> None:
    assert not _texts(terms_of_order("P-1", "Smith", "Jane", birth_date), TermKind.BIRTH_DATE)
