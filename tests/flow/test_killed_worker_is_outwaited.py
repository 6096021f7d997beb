"""A worker killed in the midst of a transfer: the next `work --until-idle` waits for its lease and goes on."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
from installations import installed, opens_for_its_lab, released_once, scans
from nursery import kill, left

from worker import leases
from worker.model import State


def test_work_until_idle_outwaits_the_lease_of_a_killed_worker(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        (transfer,) = clinic.submit(uploads=scans(40)).transfers
        first = clinic.started("work", "--until-idle")
        deadline = time.monotonic() + 60
        while clinic.transfer(transfer).state is State.RECEIVED and time.monotonic() < deadline:
            time.sleep(0.01)
        orphans = kill(psutil.Process(first.pid))
        killed = time.monotonic()
        first.wait()
        assert left(orphans) == []
        assert clinic.transfer(transfer).state is State.PROCESSING
        done = clinic.work()
        waited = time.monotonic() - killed
        assert (done.returncode, done.stderr) == (0, "")
        assert waited < 2 * leases.LEASE.total_seconds()
        assert clinic.transfer(transfer).attempt == 2
        released_once(clinic, transfer)
        assert clinic.verdict().faults == ()
        opens_for_its_lab(clinic, [transfer], tmp_path / "lab")
