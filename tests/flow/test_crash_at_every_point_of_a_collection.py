"""A lab's collection dies at any point: nothing half is in its folder, and collecting again brings everything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from deaths import Death, Fate, mortal_records
from installations import Clinic, installed, scans, work_until_idle, worker_of

from worker import handover
from worker.model import State
from worker.records import Event


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("collection")) as made:
        made.submit(uploads=scans(2))
        with worker_of(made) as services:
            work_until_idle(services)
        yield made


def collect(clinic: Clinic, out: Path, fate: Fate) -> None:
    with contextlib.suppress(Death):
        records = mortal_records(clinic.records(), fate)
        handover.collect(records, "lab-a", [clinic.labs["lab-a"]], out, clinic.trust())


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_collection_that_died_is_done_again_as_if_nothing_had_been(clinic: Clinic, tmp_path: Path) -> None:
    (transfer,) = clinic.transfers()
    undisturbed = Fate()
    collect(clinic, tmp_path / "whole", undisturbed)
    whole = files(tmp_path / "whole")
    assert len(whole) > 3
    for number in range(len(undisturbed.points)):
        out = tmp_path / str(number)
        before = _collections(clinic)
        collect(clinic, out, Fate(number))
        if (out / transfer.id).exists():
            assert files(out) == whole
            assert _collections(clinic) > before
        # A real death would have left the folder that was in the making.
        torn = out / f".{transfer.id}.partial"
        torn.mkdir(parents=True, exist_ok=True)
        (torn / "upper.stl").write_bytes(b"half")
        collect(clinic, out, Fate())
        assert files(out / transfer.id) == files(tmp_path / "whole" / transfer.id)
        assert _collections(clinic) > before
    assert clinic.transfer(transfer.id).state is State.COLLECTED
    assert clinic.verdict().faults == ()


def _collections(clinic: Clinic) -> int:
    return [entry.event for entry in clinic.entries()].count(Event.COLLECTED)
