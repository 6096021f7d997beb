"""Who may work on a transfer: a lease fences off whoever held it before, and counts the deaths."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from deaths import Death
from installations import (
    Clinic,
    Clock,
    installed,
    objects,
    opens_for_its_lab,
    released_once,
    scans,
    work_until_idle,
    worker_of,
)

from worker import actors, attempts, cases, leases, schema, sweep
from worker.database import transaction
from worker.delivery import release
from worker.errors import Unavailable
from worker.model import Hold, Lease, State, TransferId
from worker.records import Event
from worker.services import Services
from worker.store import Listed, Object, Stored

PROFILE = ("aligner", "a" * 64)


@dataclass(frozen=True, slots=True)
class Scene:
    """An installation with a worker's services, and the clock they go by."""

    clinic: Clinic
    services: Services
    clock: Clock

    def submitted(self) -> TransferId:
        """Return the transfer of a new case."""
        (transfer,) = self.clinic.submit(uploads=scans(1)).transfers
        return transfer

    def leased(self, transfer: TransferId) -> Lease:
        """Return the lease of a worker that began just now, its commitment known."""
        commitment = self.services.keys.facts(transfer).subject_commitment
        with transaction(self.services.records.engine) as connection:
            cases.set_commitment(connection, transfer, commitment)
            lease = leases.take(connection, transfer, self.clock())
        assert lease is not None
        return lease

    def outlived(self) -> None:
        """Let every lease run out."""
        self.clock.ahead += leases.LEASE * 1.1

    def deaths(self, transfer: TransferId) -> int:
        """Return how many deaths are booked."""
        with self.services.records.engine.begin() as connection:
            query = schema.transfer.select().where(schema.transfer.c.id == transfer)
            return int(connection.execute(query).one().deaths)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    clock = Clock()
    with installed(tmp_path_factory.mktemp("leases")) as clinic, worker_of(clinic, clock) as services:
        yield Scene(clinic, services, clock)


def test_one_transfer_has_one_worker_at_a_time(scene: Scene) -> None:
    transfer = scene.submitted()
    scene.leased(transfer)
    with transaction(scene.services.records.engine) as connection:
        assert leases.take(connection, transfer, scene.clock()) is None
        assert transfer not in leases.due(connection, scene.clock())
    _finish(scene)


def test_a_lease_that_ran_out_is_another_workers(scene: Scene) -> None:
    transfer = scene.submitted()
    first = scene.leased(transfer)
    scene.outlived()
    second = scene.leased(transfer)
    assert second.attempt == first.attempt + 1
    _finish(scene)


def test_a_worker_that_comes_back_late_changes_nothing(scene: Scene, tmp_path: Path) -> None:
    transfer = scene.submitted()
    late = scene.leased(transfer)
    scene.outlived()
    attempts.run(scene.services, transfer, actors.process)
    released_once(scene.clinic, transfer)
    records, before = scene.services.records, (scene.clinic.transfer(transfer), scene.clinic.entries())
    assert not release(records, late, [b"a late package"], PROFILE, ())
    with transaction(records.engine) as connection:
        assert not leases.renew(connection, late, scene.clock())
        assert not leases.give_back(connection, late, scene.clock())
        assert not leases.give_up(connection, late)
        assert not leases.set_refused(connection, late)
        assert not leases.set_held(connection, late, (Hold("no-scan"),))
    assert (scene.clinic.transfer(transfer), scene.clinic.entries()) == before
    released_once(scene.clinic, transfer)
    opens_for_its_lab(scene.clinic, [transfer], tmp_path)


def test_a_worker_overtaken_while_it_works_changes_nothing(scene: Scene) -> None:
    transfer = scene.submitted()
    late = scene.leased(transfer)
    scene.outlived()
    current = scene.leased(transfer)
    assert not release(scene.services.records, late, [b"a late package"], PROFILE, ())
    assert objects(scene.clinic, transfer) == []
    assert scene.clinic.transfer(transfer).state is State.PROCESSING
    with transaction(scene.services.records.engine) as connection:
        assert leases.renew(connection, current, scene.clock())
    _finish(scene)


def test_a_lease_that_ran_out_is_lost_even_if_nobody_took_it(scene: Scene) -> None:
    transfer = scene.submitted()
    late = scene.leased(transfer)
    scene.outlived()
    with transaction(scene.services.records.engine) as connection:
        assert not leases.renew(connection, late, scene.clock())
    assert not release(scene.services.records, late, [b"a late package"], PROFILE, ())
    assert objects(scene.clinic, transfer) == []
    _finish(scene)


def test_a_renewed_lease_outlives_its_first_end(scene: Scene) -> None:
    transfer = scene.submitted()
    lease = scene.leased(transfer)
    for _ in range(3):
        scene.clock.ahead += leases.LEASE * 0.9
        with transaction(scene.services.records.engine) as connection:
            assert leases.renew(connection, lease, scene.clock())
            assert transfer not in leases.due(connection, scene.clock())
    _finish(scene)


def test_two_workers_that_hear_of_a_transfer_at_once_release_it_once(scene: Scene) -> None:
    transfer = scene.submitted()
    threads = [threading.Thread(target=attempts.run, args=(scene.services, transfer, actors.process)) for _ in "12345"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    released_once(scene.clinic, transfer)
    assert scene.clinic.transfer(transfer).attempt == 1


def test_three_faults_of_its_own_hold_the_transfer(scene: Scene) -> None:
    def fault(_services: Services, _lease: Lease) -> None:
        raise RuntimeError("a fault of ours")

    transfer = scene.submitted()
    for number in range(1, leases.DEATHS + 1):
        attempts.run(scene.services, transfer, fault)
        assert (scene.deaths(transfer), scene.clinic.transfer(transfer).state) == (number, State.RECEIVED)
    attempts.run(scene.services, transfer, actors.process)
    _is_held_for_its_deaths(scene, transfer)


def test_three_deaths_hold_the_transfer_once(scene: Scene) -> None:
    def die(_services: Services, _lease: Lease) -> None:
        raise Death

    transfer = scene.submitted()
    for _ in range(leases.DEATHS):
        with pytest.raises(Death):
            attempts.run(scene.services, transfer, die)
        scene.outlived()
    for _ in range(3):
        attempts.run(scene.services, transfer, actors.process)
    _is_held_for_its_deaths(scene, transfer)


@pytest.mark.parametrize("times", [leases.DEATHS * 3])
def test_a_dependency_that_is_away_costs_no_attempt(scene: Scene, times: int, tmp_path: Path) -> None:
    woken: list[int] = []
    away = replace(scene.services, incoming=AwayStore(), wake_keys=lambda: woken.append(1))
    transfer = scene.submitted()
    for _ in range(times):
        attempts.run(away, transfer, actors.process)
        assert (scene.deaths(transfer), scene.clinic.transfer(transfer).state) == (0, State.RECEIVED)
        assert transfer not in sweep.due(scene.services.records)
        scene.clock.ahead += timedelta(seconds=4)
        assert transfer in sweep.due(scene.services.records)
    assert len(woken) == times
    _finish(scene)
    released_once(scene.clinic, transfer)
    opens_for_its_lab(scene.clinic, [transfer], tmp_path)


def test_an_outgoing_store_that_is_away_costs_no_attempt(scene: Scene) -> None:
    records = replace(scene.services.records, outgoing=AwayStore())
    transfer = scene.submitted()
    for _ in range(leases.DEATHS + 1):
        attempts.run(replace(scene.services, records=records), transfer, actors.process)
        assert (scene.deaths(transfer), scene.clinic.transfer(transfer).state) == (0, State.RECEIVED)
        scene.clock.ahead += timedelta(seconds=4)
    _finish(scene)
    released_once(scene.clinic, transfer)


@pytest.mark.parametrize("knows_commitment", [False, True])
def test_a_key_service_that_is_away_costs_no_attempt(scene: Scene, knows_commitment: bool) -> None:
    transfer = scene.submitted()
    if knows_commitment:
        commitment = scene.services.keys.facts(transfer).subject_commitment
        with transaction(scene.services.records.engine) as connection:
            cases.set_commitment(connection, transfer, commitment)
    still = replace(scene.services, wake_keys=lambda: None)
    scene.clinic.stop_keys()
    for _ in range(leases.DEATHS + 1):
        attempts.run(still, transfer, actors.process)
        assert scene.deaths(transfer) == 0
        assert transfer not in sweep.due(scene.services.records)
        scene.clock.ahead += timedelta(seconds=4)
    assert scene.clinic.transfer(transfer).state is State.RECEIVED
    work_until_idle(scene.services)
    released_once(scene.clinic, transfer)


def _finish(scene: Scene) -> None:
    """Let a worker end whatever is left, so that the next test meets nothing of it."""
    scene.outlived()
    for transfer in sweep.due(scene.services.records):
        attempts.run(scene.services, transfer, actors.process)
        released_once(scene.clinic, transfer)


def _is_held_for_its_deaths(scene: Scene, transfer: TransferId) -> None:
    found = scene.clinic.transfer(transfer)
    assert (found.state, scene.deaths(transfer)) == (State.HELD, 0)
    held = [entry for entry in scene.clinic.history(transfer) if entry.event is Event.HELD]
    assert [entry.codes for entry in held] == [("worker-died",)]
    assert held[0].subject_commitment == found.commitment
    assert found.commitment is not None
    assert transfer not in sweep.due(scene.services.records)


class AwayStore:
    """A store that does not answer."""

    def put(self, key: str, chunks: object) -> Stored:
        """Raise."""
        raise self._away()

    def open(self, key: str) -> Object:
        """Raise."""
        raise self._away()

    def folders(self) -> list[str]:
        """Raise."""
        raise self._away()

    def list(self, folder: str) -> list[Listed]:
        """Raise."""
        raise self._away()

    def delete(self, key: str) -> None:
        """Raise."""
        raise self._away()

    def _away(self) -> Unavailable:
        return Unavailable("store-unavailable", "the store is away")
