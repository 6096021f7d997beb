"""The process that accepts a case dies at any point: the whole case exists, or sealed objects that expire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from deaths import Death, Fate, mortal_reception
from installations import (
    Clinic,
    Clock,
    installed,
    opens_for_its_lab,
    order,
    released_once,
    scans,
    work_until_idle,
    worker_of,
)

from worker import intake, sweep
from worker.model import State
from worker.records import Event
from worker.store import FolderStore

SOON, LATE = timedelta(hours=5), timedelta(hours=7)
PLACES = ("begin", "commit", "committed", "put", "putting", "stored", "ask", "answered")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("intake"), ("lab-a", "lab-b")) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(clinic: Clinic) -> Fate:
    fate = Fate()
    _submit(clinic, fate)
    return fate


def test_every_kind_of_point_is_passed(undisturbed: Fate) -> None:
    assert set(undisturbed.points) == set(PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_a_case_exists_whole_or_is_sealed_objects_that_expire(clinic: Clinic, undisturbed: Fate, place: str) -> None:
    store = FolderStore(clinic.home.incoming)
    for number in undisturbed.of(place):
        folders, transfers, size = set(store.folders()), len(clinic.transfers()), len(clinic.entries())
        _submit(clinic, Fate(number))
        appeared = set(store.folders()) - folders
        new = clinic.transfers()[transfers:]
        assert [entry.event for entry in clinic.entries()[size:]] == [Event.RECEIVED] * len(new)
        if new:
            assert [one.recipient for one in sorted(new, key=lambda one: one.recipient)] == ["lab-a", "lab-b"]
            assert appeared == {one.case for one in new}
        _sweep_after(clinic, SOON)
        assert set(store.folders()) == folders | appeared
        _sweep_after(clinic, LATE)
        assert set(store.folders()) == folders | {one.case for one in new}


def test_cases_that_survived_a_death_reach_their_labs(clinic: Clinic, undisturbed: Fate, tmp_path: Path) -> None:
    _submit(clinic, Fate(undisturbed.of("committed")[-1]))
    with worker_of(clinic) as services:
        work_until_idle(services)
    survivors = [one.id for one in clinic.transfers()]
    for name in survivors:
        released_once(clinic, name)
    opens_for_its_lab(clinic, survivors, tmp_path / "labs")
    assert clinic.verdict().faults == ()


def test_an_enrolment_without_a_case_disturbs_nobody(clinic: Clinic, undisturbed: Fate, tmp_path: Path) -> None:
    before = len(clinic.transfers())
    _submit(clinic, Fate(undisturbed.of("answered")[-1]))
    assert len(clinic.transfers()) == before
    accepted = clinic.submit()
    with worker_of(clinic) as services:
        work_until_idle(services)
    assert {clinic.transfer(name).state for name in accepted.transfers} == {State.PUBLISHED}
    opens_for_its_lab(clinic, accepted.transfers, tmp_path / "labs")


def _submit(clinic: Clinic, fate: Fate) -> None:
    """Hand in a case of two files for two labs, and perhaps die on the way."""
    reception = mortal_reception(clinic.reception(), clinic.home, fate)
    with contextlib.suppress(Death):
        intake.accept(reception, order(), ("lab-a", "lab-b"), scans(2))


def _sweep_after(clinic: Clinic, age: timedelta) -> None:
    clock = Clock()
    clock.ahead = age
    with worker_of(clinic, clock) as services:
        sweep.clear_away(services)
