"""The tables behind the terms say what the standard says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from pipelines.terms import is_defined, tag_of

_TABLES = Path(__file__).resolve().parents[2] / "pipelines" / "standard"


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((_TABLES / name).read_text("utf-8").splitlines()))


@pytest.mark.parametrize("name", ["defined-terms.csv", "identifying-attributes.csv"])
def test_tags_and_keywords_agree_with_the_dictionary(name: str) -> None:
    rows = _rows(name)
    assert [row["keyword"] for row in rows] == [keyword_for_tag(tag_of(row["tag"])) for row in rows]
    keys = [tuple(row.values()) for row in rows]
    assert keys == sorted(set(keys))


def test_defined_terms_are_code_strings() -> None:
    for row in _rows("defined-terms.csv"):
        assert dictionary_VR(tag_of(row["tag"])) in ("CS", "SH", "LO")
        assert row["term"] == row["term"].upper().strip()
        assert len(row["term"]) <= 16
        assert is_defined(tag_of(row["tag"]), f"{row['term']} ")


def test_what_identifies_is_listed_for_removal_by_the_profile() -> None:
    removed = {row["tag"] for row in _rows("ps3.15-table-e1-1.csv")}
    kept = {row["keyword"] for row in _rows("identifying-attributes.csv")}
    kept -= {row["keyword"] for row in _rows("identifying-attributes.csv") if row["tag"] in removed}
    nobody = {row["keyword"] for row in _rows("identifying-attributes.csv") if row["identifies"] == "none"}
    assert kept - nobody <= {"PatientBirthDateInAlternativeCalendar"}
