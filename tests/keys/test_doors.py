"""The contract of each door, asked over the socket of a running service."""

from __future__ import annotations

import json
import socket as sockets
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from key_service import JANE, JOHN, Installation, case, transfer

from keys.client import Enrolment, KeyClient, KeysRefused, KeysUnavailable, Subject, socket_path
from keys.errors import reasons

TRANSFER = {"transfer_id": "matrix.t", "domain": "lab", "expires": "2099-01-01T00:00:00+00:00"}
QUESTIONS: dict[str, dict[str, object]] = {
    "enrol": {
        "case_id": "matrix",
        "subject": {"issuer": "", "patient_id": "M-1"},
        "transfers": [TRANSFER],
    },
    "facts": {"transfer_id": "matrix.t"},
    "assignment": {"transfer_id": "matrix.t"},
    "close": {"transfer_id": "matrix.t"},
}
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OPENS = {"enrol": "enrol", "facts": "facts", "assignment": "assignment", "close": "assignment"}


def post(installed: Installation, path: str, content: bytes, token: str | None) -> httpx.Response:
    headers = {b"Content-Type": b"application/json"}
    if token is not None:
        headers[b"Authorization"] = b"Bearer " + token.encode()
    transport = httpx.HTTPTransport(uds=str(socket_path(installed.home)), verify=NO_TLS)
    with httpx.Client(transport=transport, base_url="http://keys") as client:
        return client.post(path, content=content, headers=list(headers.items()))


def test_enrol_answers_nothing(shared_installation: Installation) -> None:
    content = json.dumps(QUESTIONS["enrol"]).encode()
    for _ in range(2):
        answer = post(shared_installation, "/v1/enrol", content, shared_installation.credentials.enrol)
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("door", list(QUESTIONS))
def test_a_door_opens_to_its_own_credential_alone(shared_installation: Installation, door: str) -> None:
    held = shared_installation.credentials
    tokens = {"enrol": held.enrol, "facts": held.facts, "assignment": held.assignment}
    post(shared_installation, "/v1/enrol", json.dumps(QUESTIONS["enrol"]).encode(), held.enrol)
    content = json.dumps(QUESTIONS[door]).encode()
    others: list[str | None] = [token for name, token in tokens.items() if name != OPENS[door]]
    for token in [*others, None, "é", tokens[OPENS[door]] + "0", tokens[OPENS[door]][:-1]]:
        answer = post(shared_installation, f"/v1/{door}", content, token)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong-credential")
    assert post(shared_installation, f"/v1/{door}", content, tokens[OPENS[door]]).status_code in (200, 204)


def test_a_wrong_credential_is_noticed_before_the_body_is_read(shared_installation: Installation) -> None:
    answer = post(shared_installation, "/v1/enrol", b"{not json", shared_installation.credentials.facts)
    assert answer.json()["code"] == "wrong-credential"


@pytest.mark.parametrize(
    "change",
    [
        {"case_id": "Quastenflosser was here"},
        {"case_id": 5},
        {"transfers": []},
        {"transfers": "Quastenflosser"},
        {"unknown": "Quastenflosser"},
        {"subject": {"issuer": "", "patient_id": ["Quastenflosser"]}},
        {"subject": {"issuer": "", "patient_id": "1", "birth_date": "Quastenflosser"}},
        {"subject": {"issuer": "", "patient_id": "1", "nickname": "Quastenflosser"}},
        {"transfers": [{"transfer_id": "t", "domain": "lab", "expires": "2099-01-01T00:00:00"}]},
        {"transfers": [TRANSFER, TRANSFER]},
    ],
)
def test_a_malformed_enrolment_is_refused_without_quoting_it(
    shared_installation: Installation, change: dict[str, object]
) -> None:
    content = json.dumps({**QUESTIONS["enrol"], **change}).encode()
    answer = post(shared_installation, "/v1/enrol", content, shared_installation.credentials.enrol)
    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
    assert set(answer.json()) == {"code", "hint"}
    assert "Quastenflosser" not in answer.text


@pytest.mark.parametrize("content", [b"", b"Quastenflosser", b"[]", b'{"subject": "\\ud800"}', b"\xff\xfe"])
def test_what_is_not_a_request_is_refused_without_quoting_it(shared_installation: Installation, content: bytes) -> None:
    answer = post(shared_installation, "/v1/enrol", content, shared_installation.credentials.enrol)
    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
    assert "Quastenflosser" not in answer.text


def test_a_request_larger_than_any_enrolment_is_refused(shared_installation: Installation) -> None:
    answer = post(shared_installation, "/v1/enrol", b" " * 70_000, shared_installation.credentials.enrol)
    assert (answer.status_code, answer.json()["code"]) == (413, "request-too-large")


@pytest.mark.parametrize("path", ["/", "/v1/reidentify", "/docs", "/openapi.json", "/v1/return", "/v1/enrol/"])
def test_there_is_no_other_door(shared_installation: Installation, path: str) -> None:
    answer = post(shared_installation, path, b"{}", shared_installation.credentials.assignment)
    assert (answer.status_code, answer.json()["code"]) == (404, "door-unknown")


def test_no_answer_holds_identity(shared_installation: Installation) -> None:
    client = shared_installation.client()
    client.enrol(case("open", JANE, "lab"))
    held = shared_installation.credentials
    for door, token in (("facts", held.facts), ("assignment", held.assignment)):
        answer = post(shared_installation, f"/v1/{door}", b'{"transfer_id": "open.lab"}', token)
        assert answer.status_code == 200
        text = answer.text.casefold()
        assert not [v for v in (JANE.patient_id, JANE.family_name, JANE.birth_date) if v and v.casefold() in text]


def test_the_client_tells_the_codes_of_the_table(shared_installation: Installation) -> None:
    client = shared_installation.client()
    client.enrol(case("codes", JANE, "lab"))
    client.close("codes.lab")
    with pytest.raises(KeysRefused) as unknown:
        client.facts("nothing")
    with pytest.raises(KeysRefused) as closed:
        client.assignment("codes.lab")
    with pytest.raises(KeysRefused) as different:
        client.enrol(case("codes", JOHN, "lab"))
    with pytest.raises(KeysRefused) as conflict:
        client.enrol(case("conflict", replace(JANE, birth_date="1950-01-01"), "lab"))
    with pytest.raises(KeysRefused) as empty:
        client.enrol(case("empty", Subject("", " "), "lab"))
    with pytest.raises(KeysRefused) as malformed:
        client.enrol(case("bad name", JANE, "lab"))
    codes = [e.value.code for e in (unknown, closed, different, conflict, empty, malformed)]
    assert codes == [
        "transfer-unknown",
        "transfer-closed",
        "case-enrolled-differently",
        "identity-conflict",
        "patient-id-empty",
        "request-invalid",
    ]
    assert all(error.value.reason == reasons()[error.value.code] for error in (unknown, closed))


def test_a_transfer_that_has_expired_is_not_answered(shared_installation: Installation) -> None:
    client = shared_installation.client()
    client.enrol(Enrolment("late", JANE, (transfer("late.lab", "lab", hours=-1),)))
    with pytest.raises(KeysRefused, match="transfer-expired"):
        client.assignment("late.lab")


def test_expiry_is_one_instant_in_every_time_zone(shared_installation: Installation) -> None:
    client = shared_installation.client()
    when = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    enrolment = Enrolment("zone", JANE, (replace(transfer("zone.lab", "lab"), expires=when),))
    client.enrol(enrolment)
    local = replace(enrolment.transfers[0], expires=when.astimezone())
    client.enrol(replace(enrolment, transfers=(local,)))


def test_a_client_without_the_credential_does_not_even_ask(tmp_path: Path) -> None:
    client = KeyClient(tmp_path / "nobody.sock")
    with pytest.raises(KeysRefused, match="wrong-credential"):
        client.facts("t")


def test_text_that_is_no_text_is_refused_without_quoting_it(shared_installation: Installation) -> None:
    client = shared_installation.client()
    broken = replace(JANE, given_name="Quastenflosser\ud800")
    with pytest.raises(KeysRefused, match=r"^request-invalid$"):
        client.enrol(case("surrogate", broken, "lab"))


@pytest.mark.parametrize("token", ["", " \n", "é", "a\nb"])
def test_a_credential_that_cannot_be_one_is_refused(shared_installation: Installation, token: str) -> None:
    with pytest.raises(KeysRefused, match=r"^wrong-credential$"):
        KeyClient(socket_path(shared_installation.home), facts=token).facts("t")


def test_a_credential_may_come_with_the_end_of_its_line(shared_installation: Installation) -> None:
    token = shared_installation.credentials.facts + "\n"
    with pytest.raises(KeysRefused, match=r"^transfer-unknown$"):
        KeyClient(socket_path(shared_installation.home), facts=token).facts("t")


def test_nobody_at_the_socket_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match="keys-down"):
        KeyClient(tmp_path / "nobody.sock", facts="f").facts("t")


def test_a_service_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen(8)
        with pytest.raises(KeysUnavailable, match="keys-timeout"):
            KeyClient(tmp_path / "s", facts="f", timeout=0.2).facts("t")


def test_what_passes_the_doors_shows_nothing_when_printed(shared_installation: Installation) -> None:
    client = shared_installation.client()
    client.enrol(case("printed", JANE, "lab"))
    found = client.assignment("printed.lab")
    shown = repr((JANE, case("x", JANE, "lab"), found, client, shared_installation.credentials))
    held = shared_installation.credentials
    for secret in ("Quasten", "PN-004711", found.pseudonym, held.enrol, held.facts, held.assignment):
        assert secret not in shown
