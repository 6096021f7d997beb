"""What the standard defines and what the product wrote is no leak, by exact value and place."""

from __future__ import annotations

from leak_files import data_set, dicom, hits, names

from pipelines.kinds import Kind
from pipelines.leaks import Generated, search
from pipelines.reader import BytesReader
from pipelines.terms import Term, TermKind, Terms, matches

_BORN: Terms = frozenset((Term("19840229", TermKind.BIRTH_DATE),))
_DAY: Terms = frozenset((Term("20260914", TermKind.DATE),))
_UID = "1.2.276.0.7230010.3.1.4.1787205428"


def test_a_patient_named_prima_does_not_hold_every_primary_image() -> None:
    assert not hits(dicom(data_set()), Kind.DICOM, names("prima", "original"))


def test_a_patient_named_prima_is_found_elsewhere() -> None:
    ds = data_set()
    ds.ImageComments = "Prima"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "PRIMA"]
    found = hits(dicom(ds), Kind.DICOM, names("prima"))
    assert {hit.where for hit in found} == {"ImageType (0008,0008)", "ImageComments (0020,4000)"}


def test_a_code_string_is_only_exempt_in_its_own_attribute() -> None:
    assert not matches("PRIMARY", names("prima"), 0x00080008)
    assert matches("PRIMARY", names("prima"), 0x00081030)
    assert matches("PRIMARY", names("prima"))
    assert matches("PRIMARY PRIMA", names("prima"), 0x00080008)


def test_short_names_that_are_code_strings_are_exempt_in_their_attribute_alone() -> None:
    ds = data_set()
    ds.PatientOrientation = ["A", "FL"]
    ds.Laterality = "L"
    ds.BodyPartExamined = "JAW"
    assert not hits(dicom(ds), Kind.DICOM, names("fl", "jaw", "dx"))
    ds.SeriesDescription = "Jaw"
    assert [hit.where for hit in hits(dicom(ds), Kind.DICOM, names("jaw"))] == ["SeriesDescription (0008,103E)"]


def test_a_pseudonym_is_exempt_as_name_and_id_only() -> None:
    ds = data_set()
    ds.PatientName = ds.PatientID = "K7-ADAMS-9"
    generated = Generated(pseudonym="K7-ADAMS-9")
    assert not hits(dicom(ds), Kind.DICOM, names("adams"), generated)
    assert hits(dicom(ds), Kind.DICOM, names("adams"))
    ds.ImageComments = "K7-ADAMS-9"
    assert [hit.where for hit in hits(dicom(ds), Kind.DICOM, names("adams"), generated)] == [
        "ImageComments (0020,4000)"
    ]
    ds.ImageComments, ds.PatientName = "", "K7-ADAMS-9^Adams"
    assert hits(dicom(ds), Kind.DICOM, names("adams"), generated)


def test_a_pseudonym_in_a_document_is_exempt_and_the_name_beside_it_is_not() -> None:
    generated = Generated(pseudonym="K7-ADAMS-9")
    assert not hits(b'{"pseudonym": "K7-ADAMS-9"}', Kind.UNKNOWN, names("adams"), generated)
    assert hits(b'{"pseudonym": "K7-ADAMS-9", "notes": "Adams"}', Kind.UNKNOWN, names("adams"), generated)


def test_a_number_in_a_new_uid_is_exempt_and_in_another_one_is_not() -> None:
    terms = frozenset((Term("123456789", TermKind.ID),))
    ds = data_set()
    ds.StudyInstanceUID = "2.25.991234567899912345"
    assert hits(dicom(ds), Kind.DICOM, terms)
    assert not hits(dicom(ds), Kind.DICOM, terms, Generated(uids=frozenset((ds.StudyInstanceUID,))))


def test_an_incoming_uid_is_found_whole_and_as_the_root_of_another() -> None:
    terms = frozenset((Term(_UID, TermKind.UID),))
    for uid, found in ((_UID, True), (_UID + ".7", True), (_UID + "7", False), ("1.2.840.10008.5.1.4.1.1.2", False)):
        ds = data_set()
        ds.StudyInstanceUID = uid
        assert bool(hits(dicom(ds), Kind.DICOM, terms)) is found


def test_a_shifted_date_that_equals_another_day_of_the_case_is_exempt() -> None:
    ds = data_set()
    ds.StudyDate = "20260914"
    ds.AcquisitionDateTime = "20260914101210"
    assert hits(dicom(ds), Kind.DICOM, _DAY)
    assert not hits(dicom(ds), Kind.DICOM, _DAY, Generated(dates=frozenset(("20260914",))))
    ds.ImageComments = "20260914"
    assert hits(dicom(ds), Kind.DICOM, _DAY, Generated(dates=frozenset(("20260914",))))


def test_a_kind_that_the_profile_keeps_is_not_searched_and_the_others_are() -> None:
    ds = data_set()
    ds.StudyDate, ds.PatientBirthDate = "20260914", "19840229"
    found = search(BytesReader(dicom(ds)), Kind.DICOM, _DAY | _BORN, kept=frozenset((TermKind.DATE,)))
    assert [hit.where for hit in found] == ["PatientBirthDate (0010,0030)"]


def test_a_text_of_ours_is_exempt_in_its_own_attribute() -> None:
    ds = data_set()
    ds.DeidentificationMethod = "Basic Profile"
    ours = Generated(texts=frozenset(((0x00120063, "Basic Profile"),)))
    assert hits(dicom(ds), Kind.DICOM, names("basic"))
    assert not hits(dicom(ds), Kind.DICOM, names("basic"), ours)
