"""What the sweep finds and does between messages: publish, expire, close, clear away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from deaths import Death, Fate, mortal_worker
from installations import (
    Clinic,
    Clock,
    installed,
    objects,
    opens_for_its_lab,
    released_once,
    scans,
    worker_of,
)

from keys.client import KeyClient, KeysRefused, KeysUnavailable
from worker import actors, attempts, decisions, leases, sweep
from worker.database import transaction
from worker.errors import Held, Unavailable
from worker.model import Lease, State, TransferId
from worker.records import Event
from worker.services import Services


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

    def released(self) -> TransferId:
        """Return a transfer whose worker died when its release was durable."""
        transfer = self.submitted()
        points = Fate()
        # Two points after the one put: the transaction that names the winner, and the death behind it.
        attempts.run(mortal_worker(self.services, points), self.submitted(), actors.process)
        at = points.points.index("committed", points.points.index("stored"))
        with contextlib.suppress(Death):
            attempts.run(mortal_worker(self.services, Fate(at)), transfer, actors.process)
        assert self.clinic.transfer(transfer).state is State.RELEASED
        return transfer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clinic, Services]]:
    with installed(tmp_path_factory.mktemp("sweep")) as clinic, worker_of(clinic) as services:
        yield clinic, services


@pytest.fixture
def scene(home: tuple[Clinic, Services]) -> Iterator[Scene]:
    """Give the installation with a clock that goes right, and end afterwards what the test left open."""
    clinic, services = home
    clock = Clock()
    scene = Scene(clinic, replace(services, records=replace(services.records, now=clock)), clock)
    yield scene
    clock.ahead += leases.LEASE * 1.1
    for transfer in sweep.due(scene.services.records):
        attempts.run(scene.services, transfer, actors.process)
    sweep.settle(scene.services)
    sweep.clear_away(scene.services)
    assert clinic.verdict().faults == ()


def hold(_services: Services, _lease: Lease) -> None:
    raise Held("no-scan", "stands for any hold")


def test_a_release_that_nobody_published_is_published(scene: Scene, tmp_path: Path) -> None:
    transfer = scene.released()
    for _ in range(2):
        sweep.settle(scene.services)
    released_once(scene.clinic, transfer)
    opens_for_its_lab(scene.clinic, [transfer], tmp_path / "lab")


def test_nothing_is_idle_while_a_transfer_wants_a_worker(scene: Scene) -> None:
    records = scene.services.records
    assert sweep.is_idle(records)
    transfer = scene.submitted()
    assert not sweep.is_idle(records)
    with transaction(records.engine) as connection:
        leases.take(connection, transfer, scene.clock())
    assert not sweep.is_idle(records)
    scene.clock.ahead += leases.LEASE * 1.1
    attempts.run(scene.services, transfer, actors.process)
    assert not sweep.is_idle(records)
    sweep.settle(scene.services)
    assert sweep.is_idle(records)


def test_a_held_transfer_wants_a_person_and_no_worker(scene: Scene) -> None:
    transfer = scene.submitted()
    attempts.run(scene.services, transfer, hold)
    assert scene.clinic.transfer(transfer).state is State.HELD
    assert sweep.is_idle(scene.services.records)
    assert sweep.due(scene.services.records) == []


@pytest.mark.parametrize("state", [State.RECEIVED, State.HELD, State.PROCESSING])
def test_a_transfer_expires_once_and_its_assignment_is_closed(scene: Scene, state: State) -> None:
    transfer = scene.submitted()
    if state is State.HELD:
        attempts.run(scene.services, transfer, hold)
    if state is State.PROCESSING:
        with transaction(scene.services.records.engine) as connection:
            leases.take(connection, transfer, scene.clock())
    assert scene.clinic.transfer(transfer).state is state
    assert scene.services.keys.assignment(transfer).pseudonym
    scene.clock.ahead += timedelta(days=31)
    for _ in range(2):
        sweep.settle(scene.services)
    assert scene.clinic.transfer(transfer).state is State.EXPIRED
    assert [entry.event for entry in scene.clinic.history(transfer)].count(Event.EXPIRED) == 1
    with pytest.raises(KeysRefused):
        scene.services.keys.assignment(transfer)
    attempts.run(scene.services, transfer, actors.process)
    assert scene.clinic.transfer(transfer).state is State.EXPIRED


def test_a_transfer_somebody_works_on_does_not_expire_under_the_work(scene: Scene) -> None:
    transfer = scene.submitted()
    scene.clock.ahead += timedelta(days=30) - leases.LEASE
    with transaction(scene.services.records.engine) as connection:
        assert leases.take(connection, transfer, scene.clock()) is not None
    scene.clock.ahead += leases.LEASE * 0.99
    sweep.settle(scene.services)
    assert scene.clinic.transfer(transfer).state is State.PROCESSING


@pytest.mark.parametrize("end", ["published", "refused"])
def test_the_key_service_answers_no_more_for_what_has_ended(scene: Scene, end: str) -> None:
    transfer = scene.submitted()
    attempts.run(scene.services, transfer, actors.process if end == "published" else hold)
    if end == "refused":
        decisions.reject(scene.services.records, transfer, "not-ours")
    sweep.settle(scene.services)
    for ask in (scene.services.keys.assignment, scene.services.keys.facts):
        with pytest.raises(KeysRefused):
            ask(transfer)


def test_a_transfer_is_not_taken_for_closed_when_the_key_service_did_not_hear_of_it(scene: Scene) -> None:
    transfer = scene.submitted()
    attempts.run(scene.services, transfer, actors.process)
    for keys in (AwayKeys(), StrangersKeys()):
        with pytest.raises(Unavailable):
            sweep.settle(replace(scene.services, keys=keys))
        assert not sweep.is_idle(scene.services.records)
    sweep.settle(scene.services)
    assert sweep.is_idle(scene.services.records)


def test_objects_of_attempts_that_did_not_win_are_deleted(scene: Scene) -> None:
    transfer = scene.submitted()
    outgoing = scene.services.records.outgoing
    for key in (f"{transfer}/000900.age", f"{transfer}/000900.tlog-proof"):
        outgoing.put(key, [b"what a dead worker left"])
    torn = scene.clinic.home.outgoing / transfer / "000901.age.0123456789ab.partial"
    torn.write_bytes(b"half")
    sweep.clear_away(scene.services)
    assert objects(scene.clinic, transfer) == []
    outgoing.put(f"{transfer}/000900.age", [b"what a dead worker left"])
    attempts.run(scene.services, transfer, actors.process)
    sweep.clear_away(scene.services)
    released_once(scene.clinic, transfer)


def test_objects_of_a_running_lease_are_left_alone(scene: Scene) -> None:
    transfer = scene.submitted()
    with transaction(scene.services.records.engine) as connection:
        leases.take(connection, transfer, scene.clock())
    scene.services.records.outgoing.put(f"{transfer}/000001.age", [b"in the making"])
    sweep.clear_away(scene.services)
    assert objects(scene.clinic, transfer) == [f"{transfer}/000001.age"]
    scene.clock.ahead += leases.LEASE * 1.1
    sweep.clear_away(scene.services)
    assert objects(scene.clinic, transfer) == []


def test_what_lies_in_the_store_and_is_no_transfers_is_left_alone(scene: Scene) -> None:
    outgoing = scene.services.records.outgoing
    outgoing.put("somebody-elses/file.txt", [b"not ours"])
    sweep.clear_away(scene.services)
    assert [one.key for one in outgoing.list("somebody-elses")] == ["somebody-elses/file.txt"]


def test_an_upload_without_a_case_is_deleted_only_when_it_is_old(scene: Scene) -> None:
    incoming = scene.services.incoming
    incoming.put("case-never/00001/00000.age", [b"sealed"])
    incoming.put("case-never/00001/00001.age", [b"sealed"])
    kept = scene.clinic.transfer(scene.submitted()).case
    long_ago = (scene.clock() - timedelta(hours=7)).timestamp()
    first = scene.clinic.home.incoming / "case-never" / "00001" / "00000.age"
    os.utime(first, (long_ago, long_ago))
    sweep.clear_away(scene.services)
    assert {"case-never", kept} <= set(incoming.folders())
    scene.clock.ahead += timedelta(hours=7)
    sweep.clear_away(scene.services)
    assert "case-never" not in incoming.folders()
    assert kept in incoming.folders()


class AwayKeys(KeyClient):
    """A key service that does not answer."""

    def __init__(self) -> None:
        pass

    def close(self, transfer_id: str) -> None:
        """Raise."""
        raise KeysUnavailable("keys-down")


class StrangersKeys(KeyClient):
    """A key service that does not know the credential, so that it closed nothing."""

    def __init__(self) -> None:
        pass

    def close(self, transfer_id: str) -> None:
        """Raise."""
        raise KeysRefused("wrong-credential")
