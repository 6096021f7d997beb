"""A worker dies at any point of a transfer; another one ends it, and the transfer is released once.

The points are counted in a run without a death, so that a new one is covered without a change here.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from deaths import PLACES, Death, Fate, mortal_worker
from installations import Clinic, Clock, installed, opens_for_its_lab, released_once, scans, worker_of

from worker import actors, attempts, leases, sweep
from worker.model import State, TransferId
from worker.services import Services

OTHERS = ("list", "delete", "deleted")


@dataclass(frozen=True, slots=True)
class Scene:
    """An installation with a worker's services by a clock that can be moved."""

    clinic: Clinic
    services: Services
    clock: Clock

    def submitted(self) -> TransferId:
        """Return the transfer of a new case."""
        (transfer,) = self.clinic.submit(uploads=scans(1)).transfers
        return transfer

    def life(self, fate: Fate) -> None:
        """Do what a worker does for everything that is due, in one thread."""
        services = mortal_worker(self.services, fate)
        for transfer in sweep.due(services.records):
            attempts.run(services, transfer, actors.process)
        sweep.settle(services)
        sweep.clear_away(services)

    def outlived(self) -> None:
        """Let every lease run out."""
        self.clock.ahead += leases.LEASE * 1.1

    def dies(self, at: int) -> None:
        """Live until the point numbered `at`; the death must be reached."""
        fate = Fate(at)
        with contextlib.suppress(Death):
            self.life(fate)
        assert fate.is_dead


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    clock = Clock()
    with installed(tmp_path_factory.mktemp("crash")) as clinic, worker_of(clinic, clock) as services:
        yield Scene(clinic, services, clock)


@pytest.fixture(scope="module")
def undisturbed(scene: Scene) -> Fate:
    fate = Fate()
    scene.submitted()
    scene.life(fate)
    return fate


def test_every_kind_of_point_is_passed_and_known(undisturbed: Fate) -> None:
    assert set(PLACES) <= set(undisturbed.points) <= {*PLACES, *OTHERS}


@pytest.mark.parametrize("place", [*PLACES, *OTHERS])
def test_a_worker_that_dies_once_leaves_a_transfer_that_is_released_once(
    scene: Scene, undisturbed: Fate, tmp_path: Path, place: str
) -> None:
    transfers = []
    for number in undisturbed.of(place):
        transfers.append(scene.submitted())
        scene.dies(number)
        # A second worker comes while the lease of the dead one still runs: it may bring nothing to harm.
        scene.life(Fate())
        scene.outlived()
        scene.life(Fate())
        released_once(scene.clinic, transfers[-1])
    assert scene.clinic.verdict().faults == ()
    opens_for_its_lab(scene.clinic, transfers, tmp_path / "lab")


@pytest.mark.parametrize("seed", range(2))
def test_two_deaths_in_a_row_leave_a_transfer_that_is_released_once(
    scene: Scene, undisturbed: Fate, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - places of deaths, no secret
    transfers = []
    for _ in range(4):
        transfers.append(scene.submitted())
        for _ in range(2):
            _die_somewhere(scene, chance.randrange(len(undisturbed.points)))
            scene.outlived()
        scene.life(Fate())
        released_once(scene.clinic, transfers[-1])
    assert scene.clinic.verdict().faults == ()
    opens_for_its_lab(scene.clinic, transfers, tmp_path / "lab")


def test_a_third_death_of_its_own_making_holds_the_transfer(scene: Scene, undisturbed: Fate) -> None:
    transfer = scene.submitted()
    for _ in range(leases.DEATHS):
        scene.dies(_within_the_work(undisturbed.points))
        assert scene.clinic.transfer(transfer).state is State.PROCESSING
        scene.outlived()
    scene.life(Fate())
    assert scene.clinic.transfer(transfer).state is State.HELD
    held = scene.clinic.history(transfer)[-1]
    assert held.codes == ("worker-died",)
    assert held.subject_commitment == scene.clinic.transfer(transfer).commitment
    assert scene.clinic.records().outgoing.list(transfer) == []
    assert scene.clinic.verdict().faults == ()


def _die_somewhere(scene: Scene, at: int) -> None:
    with contextlib.suppress(Death):
        scene.life(Fate(at))


def _within_the_work(points: Sequence[str]) -> int:
    """Return the number of a point between the lease and the release, in every life alike."""
    return points.index("opened")
