"""The same patient again is the same subject at the same lab, and another one at another lab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from dicom_objects import as_file, read
from installations import GIVEN, PATIENT, SURNAME, Clinic, installed, order, surface, upload, worker_of
from pydicom.dataset import Dataset
from studies import STUDY, film, radiograph

from worker.actors import performer
from worker.handover import Collected
from worker.intake import Upload
from worker.model import State, TransferId

LABS = ("lab-a", "lab-b")
OTHER_STUDY = "1.2.276.0.7230010.3.1.2.5550999"
NEIGHBOUR = {"id": "PX-00417734", "given_name": "Adelgunda", "family_name": "Yttriummeier"}


@dataclass(frozen=True, slots=True)
class Arrived:
    """One case as a lab has it."""

    pseudonym: str
    folder: Path

    @property
    def radiograph(self) -> Dataset:
        """The one radiograph of the case."""
        return read((self.folder / "panoramic.dcm").read_bytes())


@dataclass(frozen=True, slots=True)
class Cases:
    """What became of four cases, by lab."""

    clinic: Clinic
    first: dict[str, Arrived]
    again: dict[str, Arrived]
    """The id is spelled in another way, the visit is 21 days later, and every process is a new one."""

    same_study: dict[str, Arrived]
    neighbour: dict[str, Arrived]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    folder = tmp_path_factory.mktemp("subjects")
    with installed(folder, LABS) as clinic:
        told = [order(pixels_checked=True)]
        told.append(order(pixels_checked=True, patient={"id": f"  {PATIENT.lower()} "}))
        neighbour = order(pixels_checked=True, patient=NEIGHBOUR)
        submitted = [_submit(clinic, told[0], film())]
        _work(clinic, submitted[0])
        clinic.stop_keys()
        submitted.append(_submit(clinic, told[1], film(OTHER_STUDY, "20261005")))
        submitted.append(_submit(clinic, told[0], film(STUDY, "20260914", "2")))
        submitted.append(_submit(clinic, neighbour, upload("panoramic.dcm", as_file(radiograph()))))
        _work(clinic, [name for names in submitted[1:] for name in names])
        collected = {one.transfer.id: one for lab in LABS for one in clinic.collect(lab, folder / lab)}
        yield Cases(clinic, *({_lab(collected[n]): _arrived(collected[n]) for n in names} for names in submitted))


def _submit(clinic: Clinic, told: bytes, picture: Upload) -> tuple[TransferId, ...]:
    return clinic.submit(told=told, uploads=[picture, upload("upper.stl", surface())]).transfers


def _work(clinic: Clinic, transfers: tuple[TransferId, ...] | list[TransferId]) -> None:
    with worker_of(clinic) as services:
        for name in transfers:
            performer(services)(name)
    assert {clinic.transfer(name).state for name in transfers} == {State.PUBLISHED}


def _lab(collected: Collected) -> str:
    return collected.transfer.recipient


def _arrived(collected: Collected) -> Arrived:
    assert collected.opened.manifest is not None
    return Arrived(collected.opened.manifest.statement.pseudonym, collected.folder)


def _day(data: Dataset) -> date:
    return date.fromisoformat(str(data.StudyDate))


@pytest.mark.parametrize("lab", LABS)
def test_another_spelling_of_the_id_is_the_same_pseudonym_after_a_restart(lab: str, cases: Cases) -> None:
    assert cases.again[lab].pseudonym == cases.first[lab].pseudonym


def test_another_lab_knows_the_subject_by_another_pseudonym(cases: Cases) -> None:
    assert cases.first["lab-a"].pseudonym != cases.first["lab-b"].pseudonym


def test_nobody_else_has_the_pseudonym(cases: Cases) -> None:
    known = {arrived.pseudonym for case in (cases.first, cases.neighbour) for arrived in case.values()}
    assert len(known) == 4


@pytest.mark.parametrize("lab", LABS)
def test_name_and_id_in_the_header_are_the_pseudonym(lab: str, cases: Cases) -> None:
    for case in (cases.first, cases.again, cases.neighbour):
        data = case[lab].radiograph
        assert data.PatientID == str(data.PatientName) == case[lab].pseudonym
        assert data.PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("lab", LABS)
def test_one_study_in_two_cases_stays_one_study_at_a_lab(lab: str, cases: Cases) -> None:
    first, later = cases.first[lab].radiograph, cases.same_study[lab].radiograph
    assert first.StudyInstanceUID == later.StudyInstanceUID != STUDY
    assert first.SeriesInstanceUID == later.SeriesInstanceUID
    assert first.SOPInstanceUID != later.SOPInstanceUID
    assert cases.again[lab].radiograph.StudyInstanceUID != first.StudyInstanceUID


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_two_labs_cannot_join_their_cases_by_a_uid(keyword: str, cases: Cases) -> None:
    assert cases.first["lab-a"].radiograph[keyword].value != cases.first["lab-b"].radiograph[keyword].value


def test_two_people_in_one_study_cannot_be_joined_by_its_uid(cases: Cases) -> None:
    first, other = cases.first["lab-a"].radiograph, cases.neighbour["lab-a"].radiograph
    assert first.StudyInstanceUID != other.StudyInstanceUID


@pytest.mark.parametrize("lab", LABS)
def test_the_days_between_two_visits_stay(lab: str, cases: Cases) -> None:
    first, later = _day(cases.first[lab].radiograph), _day(cases.again[lab].radiograph)
    assert (later - first).days == 21
    assert first != date(2026, 9, 14)
    assert _day(cases.same_study[lab].radiograph) == first


def test_two_labs_cannot_join_their_cases_by_a_day(cases: Cases) -> None:
    days = {_day(cases.first[lab].radiograph) for lab in LABS} | {_day(cases.neighbour["lab-a"].radiograph)}
    assert len(days) == 3


def test_neither_the_person_nor_a_pseudonym_is_anywhere_outside_the_key_service(cases: Cases) -> None:
    home = cases.clinic.home.path
    words = [SURNAME, GIVEN, PATIENT, *(str(value) for value in NEIGHBOUR.values())]
    words += [arrived.pseudonym for case in (cases.first, cases.neighbour) for arrived in case.values()]
    needles = [word.casefold().encode(codec) for word in words for codec in ("utf-8", "utf-16-le", "utf-16-be")]
    kept = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] != "keys"]
    assert len(kept) > 20
    for path in kept:
        data = (str(path).encode() + path.read_bytes()).lower()
        assert not [needle for needle in needles if needle in data], path


def test_the_key_service_keeps_neither_in_the_clear(cases: Cases) -> None:
    words = [SURNAME, GIVEN, PATIENT, *(arrived.pseudonym for arrived in cases.first.values())]
    kept = [path for path in (cases.clinic.home.path / "keys").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        data = path.read_bytes().lower()
        assert not [word for word in words if word.casefold().encode() in data], path


def test_the_commitment_in_the_ledger_is_one_a_subject_and_lab(cases: Cases) -> None:
    committed: dict[str, set[str]] = {}
    for transfer in cases.clinic.transfers():
        found = {entry.subject_commitment for entry in cases.clinic.history(transfer.id)} - {None}
        committed.setdefault(transfer.recipient, set()).update(str(one) for one in found)
    assert {lab: len(found) for lab, found in committed.items()} == {"lab-a": 2, "lab-b": 2}
    assert not committed["lab-a"] & committed["lab-b"]
