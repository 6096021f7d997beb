"""A term is recognised as people spell it: dates, telephone numbers, names, numbers."""

from __future__ import annotations

import pytest
from leak_files import data_set, dicom, hits, with_private_bytes

from pipelines.kinds import Kind
from pipelines.terms import Term, TermKind, matches

_BORN = frozenset((Term("19840229", TermKind.BIRTH_DATE),))
_PHONE = frozenset((Term("491705550188", TermKind.PHONE),))


@pytest.mark.parametrize(
    "text",
    [
        *("19840229", "1984-02-29", "1984/02/29", "1984.02.29", "1984:02:29", "29.02.1984", "29/02/1984"),
        *("29-02-1984", "02/29/1984", "29.2.1984", "2/29/1984", "29.02.84", "02/29/84", "29021984"),
        *("29 Feb 1984", "29-FEB-1984", "February 29, 1984", "29. february 1984", "29FEB1984"),
        *("born 29.02.1984.", "DOB:19840229101500", "840229", "DOB 290284", "P19840229X"),
    ],
)
def test_a_date_of_birth_is_recognised_in_its_common_spellings(text: str) -> None:
    assert matches(text, _BORN)


@pytest.mark.parametrize("text", ["129.02.1984", "29.02.19841", "19840228", "1984", "0229", "8402291", "29.02."])
def test_another_number_is_not_the_date_of_birth(text: str) -> None:
    assert not matches(text, _BORN)


@pytest.mark.parametrize("text", ["1984-02-29", "29.02.1984", "29 Feb 1984"])
@pytest.mark.parametrize("codec", ["ascii", "utf-16-le", "utf-16-be"])
def test_a_spelled_date_is_found_in_binary_bytes(text: str, codec: str) -> None:
    assert hits(with_private_bytes(b"\x01\x07" + text.encode(codec)), Kind.DICOM, _BORN)


def test_a_date_is_found_at_the_head_of_a_date_and_time() -> None:
    ds = data_set()
    ds.AcquisitionDateTime = "19840229101210.5"
    assert hits(dicom(ds), Kind.DICOM, _BORN)


@pytest.mark.parametrize(
    "text",
    ["+49 170 5550188", "0170/5550188", "(0170) 555-0188", "00491705550188", "0170.555.01.88", "tel:+491705550188"],
)
def test_a_telephone_number_is_recognised_with_and_without_its_country(text: str) -> None:
    assert matches(text, _PHONE)


@pytest.mark.parametrize("text", ["0170 5550189", "170 555", "0170 55501880"])
def test_another_telephone_number_is_not_recognised(text: str) -> None:
    assert not matches(text, _PHONE)


def test_an_empty_value_and_an_empty_set_of_terms_match_nothing() -> None:
    assert not matches("", _BORN)
    assert not matches("anything", frozenset())


def test_any_text_can_be_asked_about() -> None:
    for text in ("\ud800\udfff\ud800", "\0" * 9, "\\" * 9, "ß" * 5000, "\x1b$B"):
        assert not matches(text, _BORN | _PHONE)
