"""A fault is two lines, without a trace, and without a word of the order or of a scan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Done, ask, two_lines
from installations import GIVEN, PATIENT, PHONE, SURNAME, Clinic, Value, installed, order, surface

WORDS = (SURNAME, GIVEN, PATIENT, PHONE, "1991", "Geheimnis")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("faults")) as made:
        yield made


def submitted(clinic: Clinic, folder: Path, told: bytes, to: str = "lab-a") -> Done:
    """Submit one surface that names the patient, under an order that is wrong."""
    (folder / "order.json").write_bytes(told)
    (folder / "scan.stl").write_bytes(surface(4, f"{GIVEN} {SURNAME} {PATIENT}"))
    given = ("--order", folder / "order.json", folder / "scan.stl")
    return ask("--home", clinic.home.path, "submit", "--to", to, *given)


def nameless(done: Done) -> str:
    """Return the fault's code when it names nobody."""
    assert not [word for word in WORDS if word.casefold() in done.said.casefold()]
    return two_lines(done)


ORDERS: dict[str, dict[str, Value]] = {
    "an unknown field": {"Xylander": "Geheimnis"},
    "an unknown field of the patient": {"patient": {"nickname": "Geheimnis"}},
    "an id that is no text": {"patient": {"id": ["Geheimnis"]}},
    "an empty id": {"patient": {"id": " "}},
    "a birth date of bare digits": {"patient": {"birth_date": "19910713"}},
    "a birth date that there is not": {"patient": {"birth_date": "1991-13-13"}},
    "a sex that is a word": {"patient": {"sex": "Geheimnis"}},
    "a purpose that is a sentence": {"purpose": f"aligner for {SURNAME}"},
    "a tooth by its name": {"prescription": {"teeth": [{"number": SURNAME, "system": "FDI"}]}},
    "notes that are no text": {"prescription": {"notes": [SURNAME]}},
    "a consent by name": {"consents": [{"purpose": GIVEN, "given_at": SURNAME}]},
    "a recipient by name": {"recipients": [SURNAME]},
}


@pytest.mark.parametrize("wrong", ORDERS)
def test_an_order_that_cannot_be_used(wrong: str, clinic: Clinic, tmp_path: Path) -> None:
    before = clinic.transfers(), sorted(clinic.home.incoming.rglob("*"))
    done = submitted(clinic, tmp_path, order(**ORDERS[wrong]))
    assert done.status == 2
    assert nameless(done) == "order-invalid"
    assert (clinic.transfers(), sorted(clinic.home.incoming.rglob("*"))) == before


@pytest.mark.parametrize("told", [b"", f"{{{SURNAME}}}".encode(), f'["{SURNAME}"]'.encode(), SURNAME.encode("utf-16")])
def test_an_order_that_is_none(told: bytes, clinic: Clinic, tmp_path: Path) -> None:
    assert nameless(submitted(clinic, tmp_path, told)) == "order-invalid"


def test_an_unknown_field_is_named(clinic: Clinic, tmp_path: Path) -> None:
    done = submitted(clinic, tmp_path, order(patient={"shoe_size": "Geheimnis"}))
    assert "patient.shoe_size" in done.err
    assert nameless(done) == "order-invalid"


def test_a_patient_whose_id_belongs_to_somebody_else(clinic: Clinic, tmp_path: Path) -> None:
    assert submitted(clinic, tmp_path, order()).status == 0
    before = clinic.transfers()
    done = submitted(clinic, tmp_path, order(patient={"birth_date": "1960-01-02"}))
    assert done.status == 2
    assert nameless(done) == "identity-conflict"
    assert clinic.transfers() == before


def test_recipients_that_differ_or_are_revoked_or_unknown(clinic: Clinic, tmp_path: Path) -> None:
    assert nameless(submitted(clinic, tmp_path, order(recipients=["lab-c"]))) == "recipients-differ"
    assert nameless(submitted(clinic, tmp_path, order(), to="lab-z")) == "recipient-unknown"
    assert nameless(submitted(clinic, tmp_path, order(), to="")) == "recipient-missing"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("status", "case-0"), "case-unknown"),
        (("acknowledge", "transfer-0"), "transfer-unknown"),
        (("release", "transfer-0", "--reason", "seen"), "transfer-unknown"),
        (("reject", "transfer-0", "--reason", "seen"), "transfer-unknown"),
        (("reject", "transfer-0", "--reason", f"{SURNAME} called"), "reason-code"),
        (("release", "transfer-0", "--reason", f"{SURNAME}"), "reason-code"),
        (("held", "show", "transfer-0", "--out", "OUT"), "transfer-unknown"),
        (("ledger", "verify", "--vkey", "no-key"), "vkey-invalid"),
        (("collect", "--as", "lab-z", "--identity", "IDENTITY", "--out", "OUT"), "recipient-unknown"),
        (("collect", "--as", "lab-a", "--identity", "ORDER", "--out", "OUT"), "identity-invalid"),
        (("open", "ORDER", "--identity", "IDENTITY", "--out", "OUT"), "header-version"),
        (("seal", "ORDER", "--to", "age1nobody", "--out", "OUT"), "recipient-key"),
        (("clean", "ORDER", "--out", "OUT", "--report", "REPORT", "--order", "IDENTITY"), "order-invalid"),
        (("clean", "ORDER", "--out", "OUT", "--report", "REPORT", "--key", "SHORT"), "key-short"),
        (("keygen", "--out", "ORDER"), "identity-not-written"),
        (("init", "--clinic", "Praxis", "--country", "DE"), "home-not-empty"),
    ],
)
def test_a_command_that_cannot_do_it(words: tuple[str, ...], code: str, clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "ORDER").write_bytes(order())
    (tmp_path / "SHORT").write_bytes(b"Geheimnis")
    (tmp_path / "IDENTITY").write_text(clinic.labs["lab-a"].text)
    done = ask("--home", clinic.home.path, *(tmp_path / word if word.isupper() else word for word in words))
    assert done.status in (2, 5)
    assert nameless(done) == code
    assert not (tmp_path / "OUT").exists()


def test_the_settings_are_not_quoted(clinic: Clinic) -> None:
    text = clinic.home.settings.read_text()
    try:
        for wrong in (f"Geheimnis {SURNAME}", f"{text}[{json.dumps(SURNAME)}]\nwho = 'Geheimnis'\n"):
            clinic.home.settings.write_text(wrong)
            done = ask("--home", clinic.home.path, "status")
            assert done.status == 78
            assert "Geheimnis" not in done.said
            assert two_lines(done) in ("settings-unreadable", "settings-invalid")
    finally:
        clinic.home.settings.write_text(text)
