"""An incoming header tells whom to search for, whatever its form; a damaged one never raises."""

from __future__ import annotations

import struct

import pytest
from environment import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from leak_files import INSTANCE, chunk, data_set, dicom, hits, jpeg, png, segment
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pipelines.harvest import harvest
from pipelines.kinds import Kind
from pipelines.reader import BytesReader
from pipelines.terms import Term, TermKind, Terms

_SYNTAXES = [
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian),
]


def _harvest(data: bytes, kind: Kind = Kind.DICOM) -> Terms:
    return harvest(BytesReader(data), kind)


def _named(terms: Terms) -> set[str]:
    return {term.text for term in terms if term.kind is TermKind.NAME}


def _patient(charset: str | None = None) -> Dataset:
    ds, request, inner = data_set(charset), Dataset(), Dataset()
    ds.PatientName, ds.PatientID = "Mustermann^Erika^^Dr.", "PAT-0098"
    ds.PatientBirthDate, ds.StudyDate = "19840229", "20260914"
    ds.OperatorsName = ["Nowak^Ewa", "Schmidt^Jan"]
    ds.InstitutionName, ds.StationName, ds.DeviceSerialNumber = "Praxis am Markt", "CBCT-ROOM-2", "SN-77-1209"
    ds.PatientTelephoneNumbers, ds.PatientAddress = "+49 170 5550188", "Lindenweg 3, Stuttgart"
    inner.PersonName, inner.AccessionNumber = "Kowalski^Piotr", "ACC-4711"
    request.ContentCreatorName, request.ReferencedRequestSequence = "Garcia^Ana", Sequence([inner])
    ds.RequestAttributesSequence = Sequence([request])
    return ds


@pytest.mark.parametrize("syntax", _SYNTAXES)
def test_a_header_is_read_in_every_transfer_syntax_and_at_depth(syntax: UID) -> None:
    terms = _harvest(dicom(_patient(), syntax))
    assert {"mustermann", "erika", "nowak", "ewa", "jan", "kowalski", "garcia", "ana"} <= _named(terms)
    expected = {
        Term("pat-0098", TermKind.ID),
        Term("acc-4711", TermKind.ID),
        Term("19840229", TermKind.BIRTH_DATE),
        Term("20260914", TermKind.DATE),
        Term("491705550188", TermKind.PHONE),
        Term("sn-77-1209", TermKind.SERIAL),
        Term("cbct-room-2", TermKind.SERIAL),
        Term("praxis am markt", TermKind.INSTITUTION),
        Term("lindenweg 3", TermKind.ADDRESS),
        Term(INSTANCE, TermKind.UID),
    }
    assert expected <= terms
    assert "dr" not in _named(terms)


def test_uids_of_the_standard_and_of_software_are_nobodys() -> None:
    ds = data_set()
    data = dicom(ds)
    assert {term.text for term in _harvest(data) if term.kind is TermKind.UID} == {INSTANCE}


@pytest.mark.parametrize(
    ("charset", "name", "word"),
    [
        ("GB18030", "Wang^XiaoDong=王^小东", "王小东"),
        ("ISO_IR 144", "Жуковский^Николай", "жуковский"),
        ("ISO 2022 IR 6\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", "山田太郎"),
        ("ISO_IR 100", "Buc^Jérôme", "jérôme"),
        ("ISO-IR 100", "Buc^Jérôme", "jérôme"),
        ("ISO_IR 192", "Żółkiewska^Ewa", "żółkiewska"),
    ],
)
def test_a_name_is_read_in_the_character_set_of_its_file(charset: str, name: str, word: str) -> None:
    ds = data_set(charset.replace("ISO-IR", "ISO_IR"))
    ds.PatientName = name
    data = dicom(ds).replace(b"ISO_IR 100", charset.encode()[:10]) if "IR 100" in charset else dicom(ds)
    terms = _harvest(data)
    assert word in _named(terms)
    assert hits(data, Kind.DICOM, frozenset(term for term in terms if term.kind is TermKind.NAME))


def test_a_name_is_read_where_no_character_set_is_declared() -> None:
    for codec in ("utf-8", "latin-1"):
        ds = data_set()
        ds.add_new(0x00100010, "PN", "Müllerin^Erika".encode(codec))
        assert "müllerin" in _named(_harvest(dicom(ds)))


def test_what_is_harvested_is_found_again_in_the_same_file() -> None:
    data = dicom(_patient())
    for term in _harvest(data):
        if "^" not in term.text and " " not in term.text:
            assert hits(data, Kind.DICOM, frozenset((term,))), term.kind


def test_the_owner_of_a_camera_is_read_from_a_photograph() -> None:
    text = b"Erika Mustermann\0"
    entry = struct.pack("<HHII", 0x013B, 2, len(text), 26)
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0" + entry + b"\0\0\0\0" + text
    for data in (
        jpeg(segment(0xE1, b"Exif\0\0" + tiff)),
        png(chunk(b"eXIf", tiff)),
        png(chunk(b"tEXt", b"Author\0Erika Mustermann")),
    ):
        assert {"erika", "mustermann"} <= _named(_harvest(data, Kind.IMAGE))
    assert not _named(_harvest(png(chunk(b"tEXt", b"Software\0Erika Mustermann")), Kind.IMAGE))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 2_000), value=st.integers(0, 255), cut=st.integers(0, 2_000))
def test_a_damaged_header_gives_what_can_be_read(at: int, value: int, cut: int) -> None:
    for kind, whole in (
        (Kind.DICOM, dicom(_patient())),
        (Kind.IMAGE, jpeg(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0"))),
        (Kind.IMAGE, png()),
    ):
        data = bytearray(whole)
        data[at % len(data)] = value
        terms = _harvest(bytes(data[: max(1, len(data) - cut % len(data))]), kind)
        hits(bytes(data), kind, terms)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", bytes(128) + b"DICM", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n"]),
)
def test_garbage_has_no_terms_and_no_faults(data: bytes, head: bytes) -> None:
    for kind in Kind:
        _harvest(head + data, kind)
        hits(head + data, kind, _harvest(dicom(_patient())))


def test_nobody_is_found_in_the_files_of_somebody_else() -> None:
    foreign = _harvest(dicom(_patient("ISO_IR 100")))
    searched = 0
    for path in sorted(shared("data").rglob("*")):
        kind = {".dcm": Kind.DICOM, ".jpg": Kind.IMAGE, ".png": Kind.IMAGE, ".stl": Kind.STL}.get(path.suffix.lower())
        if kind is None or not path.is_file():
            continue
        assert [
            (path.name, hit) for hit in hits(path.read_bytes(), kind, foreign - _own(path.read_bytes(), kind))
        ] == []
        searched += 1
    assert searched > 50


def _own(data: bytes, kind: Kind) -> Terms:
    return _harvest(data, kind)
