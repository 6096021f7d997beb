"""What intake cannot use is refused with a clear error, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pytest
from installations import (
    GIVEN,
    PATIENT,
    PHONE,
    SURNAME,
    Clinic,
    Value,
    add_lab,
    installed,
    order,
    scans,
    upload,
)

from worker import directory, intake
from worker.errors import Unavailable, Unusable, WorkerError
from worker.intake import Upload
from worker.orders import MAX_ORDER, parse
from worker.sealing import generate_identity


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("refusals"), ("lab-a",)) as made:
        gone = Clinic(made.home, {"lab-gone": generate_identity()})
        add_lab(gone, "lab-gone")
        directory.revoke_recipient(made.records(), "lab-gone")
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_kept(clinic: Clinic) -> Iterator[None]:
    before = (clinic.entries(), clinic.transfers(), sorted(clinic.home.incoming.rglob("*")))
    yield
    assert (clinic.entries(), clinic.transfers(), sorted(clinic.home.incoming.rglob("*"))) == before


def refused(
    clinic: Clinic, told: bytes, to: Iterable[str] = ("lab-a",), uploads: Iterable[Upload] | None = None
) -> WorkerError:
    """Return the error of a case that is refused; it quotes nothing of the order."""
    with pytest.raises(Unusable) as raised:
        intake.accept(clinic.reception(), told, tuple(to), scans(1) if uploads is None else uploads)
    error = raised.value
    assert error.__cause__ is None
    for word in (SURNAME, GIVEN, PATIENT, PHONE, "1991"):
        assert word not in f"{error} {error.what} {error.hint} {error!r}"
    return error


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"shoe_size": 43}, "unknown field shoe_size"),
        ({"patient": {"nickname": GIVEN}}, "unknown field patient.nickname"),
        ({"prescription": {"colour": "A2"}}, "unknown field prescription.colour"),
        ({"patient": {"id": None}}, "patient.id is not valid"),
        ({"patient": {"id": "  "}}, "patient.id is not valid"),
        ({"patient": {"birth_date": "19910713"}}, "patient.birth_date is not valid"),
        ({"patient": {"birth_date": 19910713}}, "patient.birth_date is not valid"),
        ({"patient": {"birth_date": "1991-13-07"}}, "patient.birth_date is not valid"),
        ({"patient": {"birth_date": "07-13-1991"}}, "patient.birth_date is not valid"),
        ({"patient": {"sex": PATIENT}}, "patient.sex is not valid"),
        ({"prescription": {"teeth": [{"number": 11}]}}, "prescription.teeth.0.system is missing"),
        ({"pixels_checked": "yes"}, "pixels_checked is not valid"),
        ({"purpose": SURNAME}, "purpose is not valid"),
        ({"purpose": f"for-{SURNAME.lower()}"}, "purpose names the patient"),
        ({"purpose": f"{GIVEN.lower()}-retainer"}, "purpose names the patient"),
    ],
)
def test_an_order_that_cannot_be_used_is_refused_by_field(
    clinic: Clinic, changes: dict[str, Value], fault: str
) -> None:
    error = refused(clinic, order(**changes))
    assert error.code == "order-invalid"
    assert fault in error.what


def test_the_usual_purpose_names_nobody_whatever_the_patient_is_called() -> None:
    assert parse(order(purpose="aligner-treatment", patient={"family_name": "Treatment"})).purpose


def test_every_fault_of_an_order_is_named_at_once(clinic: Clinic) -> None:
    content = json.loads(order(shoe_size=43))
    del content["patient"]["id"], content["patient"]["birth_date"]
    error = refused(clinic, json.dumps(content).encode())
    for fault in ("unknown field shoe_size", "patient.id is missing", "patient.birth_date is missing"):
        assert fault in error.what


@pytest.mark.parametrize("told", [b"", b"{", b"[]", b'"order"', b"null", b"\xff\xfe", order()[:-1], SURNAME.encode()])
def test_an_order_that_is_no_json_object_is_refused(clinic: Clinic, told: bytes) -> None:
    assert refused(clinic, told).code == "order-invalid"


def test_an_order_that_is_too_large_is_refused(clinic: Clinic) -> None:
    assert refused(clinic, order() + b" " * MAX_ORDER).code == "order-too-large"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ((), "recipient-missing"),
        (("lab-nowhere",), "recipient-unknown"),
        (("lab-a", "lab-nowhere"), "recipient-unknown"),
        (("lab-gone",), "recipient-revoked"),
        (("lab-a", "lab-gone"), "recipient-revoked"),
    ],
)
def test_a_case_for_nobody_known_is_refused_whole(clinic: Clinic, to: tuple[str, ...], code: str) -> None:
    assert refused(clinic, order(), to).code == code
    assert refused(clinic, order(recipients=to), ()).code == code


def test_an_order_that_names_other_recipients_is_refused(clinic: Clinic) -> None:
    assert refused(clinic, order(recipients=("lab-b",)), ("lab-a",)).code == "recipients-differ"


def test_a_case_without_a_scan_is_refused(clinic: Clinic) -> None:
    assert refused(clinic, order(), uploads=[]).code == "case-empty"


def test_scans_are_not_read_for_an_order_that_cannot_be_used(clinic: Clinic) -> None:
    read: list[str] = []

    def uploads() -> Iterator[Upload]:
        read.append("a scan")
        yield upload("scan.stl", b"")

    assert refused(clinic, order(shoe_size=43), uploads=uploads()).code == "order-invalid"
    assert refused(clinic, order(), ("lab-nowhere",), uploads=uploads()).code == "recipient-unknown"
    assert read == []


def test_a_file_that_cannot_be_read_to_its_end_takes_the_case_with_it(clinic: Clinic) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half a scan"
        raise OSError("the disk of the clinic")

    with pytest.raises(OSError, match="disk of the clinic"):
        intake.accept(clinic.reception(), order(), ("lab-a",), [*scans(1), Upload("broken.stl", broken())])


def test_a_subject_the_key_service_refuses_is_refused(clinic: Clinic) -> None:
    error = refused(clinic, order(patient={"birth_date": "0001-01-01", "id": "\u200b"}))
    assert error.hint


def test_without_the_key_service_nothing_is_kept(clinic: Clinic) -> None:
    reception = clinic.reception()
    clinic.stop_keys()
    with pytest.raises(Unavailable) as raised:
        intake.accept(reception, order(), ("lab-a",), scans(1))
    assert raised.value.__cause__ is None
