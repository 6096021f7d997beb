"""Workers and the key service are killed with `kill -9` at random: released once, or held after three deaths."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from installations import (
    Clinic,
    installed,
    objects,
    opens_for_its_lab,
    released_once,
    scans,
    work_until_idle,
    worker_of,
)
from nursery import Nursery, kill, left, nursery
from sqlalchemy import text

from worker import leases
from worker.database import timestamp, transaction
from worker.model import State, TransferId
from worker.records import Event

ROUNDS = 12


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with installed(tmp_path, ("lab-a", "lab-b")) as made:
        yield made


def test_workers_killed_at_random_release_each_transfer_once_or_hold_it(clinic: Clinic, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - moments of deaths, no secret
    with nursery(clinic.home.path) as born:
        patience = _undisturbed(clinic, born)
        transfers = [name for _ in range(3) for name in clinic.submit(uploads=scans(5)).transfers]
        orphans: list[psutil.Process] = []
        for _ in range(ROUNDS):
            process = born.worker()
            time.sleep(chance.uniform(0, patience))
            if chance.random() < 0.2:
                _kill_keys(clinic)
            orphans += kill(process)
            _end_the_leases_of_the_dead(clinic)
    assert left(orphans) == []
    _work_to_the_end(clinic)
    _every_one_is_released_once_or_held(clinic, transfers, tmp_path / "labs")


def test_a_key_service_killed_during_the_work_costs_no_attempt(clinic: Clinic, tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311 - moments of deaths, no secret
    transfers = [name for _ in range(4) for name in clinic.submit(uploads=scans(3)).transfers]
    killed = 0
    with nursery(clinic.home.path) as born:
        process = born.worker()
        deadline = time.monotonic() + 40
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(chance.uniform(0, 0.2))
            killed += _kill_keys(clinic) if killed < 2 else 0
    _work_to_the_end(clinic)
    assert killed
    for name in transfers:
        released_once(clinic, name)
        assert not [entry for entry in clinic.history(name) if entry.event is Event.HELD]
    opens_for_its_lab(clinic, transfers, tmp_path / "labs")


def _undisturbed(clinic: Clinic, born: Nursery) -> float:
    """Return how long a worker takes for a case as large as the others, its beginning included."""
    clinic.submit(["lab-a"], uploads=scans(5))
    began = time.monotonic()
    process = born.worker()
    while any(one.state is not State.PUBLISHED for one in clinic.transfers()):
        assert time.monotonic() < began + 60
        time.sleep(0.02)
    took = time.monotonic() - began
    with contextlib.suppress(psutil.NoSuchProcess):
        process.wait(30)
    return took


def _kill_keys(clinic: Clinic) -> int:
    """Kill the key service if one answers; return how many died."""
    pid = clinic.keys_pid()
    if pid is None:
        return 0
    with contextlib.suppress(psutil.NoSuchProcess):
        kill(psutil.Process(pid))
    return 1


def _end_the_leases_of_the_dead(clinic: Clinic) -> None:
    """Write into the database that the leases ran out: nobody is alive to hold one, and waiting is for another test."""
    records = clinic.records()
    past = timestamp(records.now() - leases.LEASE)
    with transaction(records.engine) as connection:
        connection.execute(
            text("UPDATE transfer SET lease_until = :past WHERE lease_until IS NOT NULL"), {"past": past}
        )


def _work_to_the_end(clinic: Clinic) -> None:
    _end_the_leases_of_the_dead(clinic)
    with worker_of(clinic) as services:
        work_until_idle(services)


def _every_one_is_released_once_or_held(clinic: Clinic, transfers: list[TransferId], out: Path) -> None:
    published = [name for name in transfers if clinic.transfer(name).state is State.PUBLISHED]
    for name in published:
        released_once(clinic, name)
    for name in set(transfers) - set(published):
        assert clinic.transfer(name).state is State.HELD
        assert clinic.transfer(name).attempt == leases.DEATHS
        assert clinic.history(name)[-1].codes == ("worker-died",)
        assert objects(clinic, name) == []
    assert clinic.verdict().faults == ()
    assert not list(clinic.home.path.rglob("*.partial"))
    opens_for_its_lab(clinic, published, out)
