"""Fewer than five characters count as a whole word of a text, and nowhere else."""

from __future__ import annotations

import pytest
from leak_files import data_set, dicom, hits, jpeg, names, segment, stl, with_private_bytes

from pipelines.kinds import Kind
from pipelines.terms import Term, TermKind


def _commented(text: str) -> bytes:
    ds = data_set("ISO_IR 192")
    ds.ImageComments = text
    return dicom(ds)


@pytest.mark.parametrize("text", ["Li", "seen by LI", "Ng^Li", "li,ng", "(Ivo)", "x\nIvo\ny", "ivo's jaw", "a_Li_b"])
def test_a_short_name_is_found_as_a_word(text: str) -> None:
    assert hits(_commented(text), Kind.DICOM, names("li", "ng", "ivo"))


@pytest.mark.parametrize("text", ["Linear", "ingrown", "pivot", "Salivo", "Éli", "ng1", "27li"])
def test_a_short_name_is_not_found_as_a_part_of_a_word(text: str) -> None:
    assert not hits(_commented(text), Kind.DICOM, names("li", "ng", "ivo"))


def test_a_short_name_is_not_found_in_binary_bytes() -> None:
    assert not hits(with_private_bytes(b"\x01 Li \x02 Ng \x03"), Kind.DICOM, names("li", "ng"))


def test_a_short_name_is_found_in_comments_of_pictures_and_headers_of_meshes() -> None:
    assert hits(jpeg(segment(0xFE, b"for Li")), Kind.IMAGE, names("li"))
    assert hits(stl(b"scan of Li"), Kind.STL, names("li"))
    assert hits(b"solid Li\nendsolid Li\n", Kind.STL, names("li"))


def test_two_ideographs_are_found_without_spaces_around_them() -> None:
    assert hits(_commented("患者山田様"), Kind.DICOM, names("山田"))


def test_a_short_number_is_a_word_of_a_text_and_nothing_in_a_number() -> None:
    terms = frozenset((Term("4711", TermKind.ID),))
    ds = data_set()
    ds.InstanceNumber = 4711
    ds.KVP = "4711"
    ds.ContentTime = "4711"
    assert not hits(dicom(ds), Kind.DICOM, terms)
    ds.ImageComments = "case 4711"
    assert [hit.where for hit in hits(dicom(ds), Kind.DICOM, terms)] == ["ImageComments (0020,4000)"]


@pytest.mark.parametrize(
    ("text", "found"), [("ID 0012345", True), ("x12345y", True), ("9123456", False), ("812345", False)]
)
def test_a_number_of_five_digits_is_not_a_part_of_a_longer_one(text: str, found: bool) -> None:
    assert bool(hits(_commented(text), Kind.DICOM, frozenset((Term("12345", TermKind.ID),)))) is found


def test_a_number_among_decimals_or_fractions_of_a_second_is_no_identifier() -> None:
    ds = data_set()
    ds.ContentTime, ds.AcquisitionDateTime = "101210.12345", "20260914101210.12345"
    ds.ImagePositionPatient = ["-0.12345", "12345.5", "1"]
    assert not hits(dicom(ds), Kind.DICOM, frozenset((Term("12345", TermKind.ID),)))


def test_a_number_that_is_a_whole_value_is_found_also_where_numbers_belong() -> None:
    ds = data_set()
    ds.InstanceNumber = 12345
    assert hits(dicom(ds), Kind.DICOM, frozenset((Term("12345", TermKind.ID),)))
