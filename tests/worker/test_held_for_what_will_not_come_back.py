"""What is gone for good holds a transfer; what an operator can mend makes it wait, at no cost."""

from __future__ import annotations

import shutil
from pathlib import Path

from installations import Clinic, installed, worker_of

from worker import actors, app, attempts, cases
from worker.database import transaction
from worker.model import State, TransferId


def attempt(clinic: Clinic, transfer: TransferId) -> None:
    """Do for a transfer what a message makes a worker do."""
    with worker_of(clinic) as services:
        attempts.run(services, transfer, actors.process)


def codes(clinic: Clinic, transfer: TransferId) -> list[str]:
    """Why the transfer is held."""
    with transaction(clinic.records().engine) as connection:
        return [hold.code for hold in cases.holds(connection, transfer)]


def test_a_transfer_that_the_key_service_has_closed_is_held(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        (transfer,) = clinic.submit().transfers
        app.worker_keys(clinic.home).close(transfer)
        attempt(clinic, transfer)
        assert clinic.transfer(transfer).state is State.HELD
        assert codes(clinic, transfer) == ["transfer-closed"]
        assert [str(entry.event) for entry in clinic.history(transfer)] == ["received", "held"]
        assert clinic.work().returncode == 0


def test_a_worker_that_is_not_admitted_waits(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        (transfer,) = clinic.submit().transfers
        credential = clinic.home.credential("facts")
        right = credential.read_text()
        credential.write_text("facts-0123\n")
        attempt(clinic, transfer)
        assert clinic.transfer(transfer).state is State.RECEIVED
        credential.write_text(right)
        assert clinic.work().returncode == 0
        assert clinic.transfer(transfer).attempt == 1


def test_an_upload_that_is_gone_is_held(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        accepted = clinic.submit()
        (transfer,) = accepted.transfers
        shutil.rmtree(clinic.home.incoming / accepted.case / "00001")
        attempt(clinic, transfer)
        assert clinic.transfer(transfer).state is State.HELD
        assert codes(clinic, transfer) == ["upload-damaged"]
