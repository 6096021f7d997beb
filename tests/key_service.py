"""A key service to ask: set up in a folder of the test's own, as its own process or inside the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keys import app
from keys.client import (
    Credentials,
    Enrolment,
    KeyClient,
    NamedTransfer,
    Subject,
    answering,
    socket_path,
    start_service,
)
from keys.places import Places
from keys.table import KeyTable

JANE = Subject(
    issuer="Praxis Nord",
    patient_id="PN-004711",
    family_name="Quastenflosser",
    given_name="Wilhelmine",
    birth_date="1987-03-21",
    sex="F",
    phone="+49 30 5550199",
    email="wilhelmine@quasten.example",
    address="Seepferdchenweg 7, Nirgendsheim",
    citizenship="DE",
    residence="AT",
)
JOHN = replace(JANE, patient_id="PN-004712", given_name="Kunibert", birth_date="1990-11-02", sex="M")

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        """Return the time it was set to."""
        return self.time


@dataclass(frozen=True, slots=True)
class Installation:
    """A home in which a key service was set up, and the credentials that came of it."""

    home: Path
    credentials: Credentials

    def client(self) -> KeyClient:
        """Return a client that may ask at every door."""
        c = self.credentials
        return KeyClient(socket_path(self.home), c.enrol, c.facts, c.assignment)

    def started(self) -> KeyClient:
        """Return a client of the service, started where it did not run."""
        start_service(self.home)
        return self.client()

    def killed(self) -> None:
        """End the service as a power cut would."""
        pid = answering(self.home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        gone(pid)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `pseudodont-keys` for this home."""
        return run(*arguments, home=self.home)


def gone(pid: int, within: float = 10.0) -> None:
    """Return when no process `pid` is left."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        try:
            state = stat.read_text().rpartition(")")[2].split()[0] if stat.exists() else "X"
        except OSError:
            return
        if state in "XZ":
            return
        time.sleep(0.02)
    raise AssertionError("the process is still there")


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `pseudodont-keys` for `home`."""
    command = [sys.executable, "-m", "keys.cli", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def installation(home: Path) -> Iterator[Installation]:
    """Give a key service set up in `home`; whatever runs for it is stopped afterwards."""
    yield Installation(home, app.initialise(home))
    run("stop", home=home)


@contextmanager
def opened(home: Path, clock: Clock) -> Iterator[KeyTable]:
    """Give the key table of an installation, inside the test and by its clock."""
    table = app.open_services(Places.below(home), clock).table
    yield table
    table.database.close()


def transfer(name: str, domain: str, hours: float = 24, since: datetime | None = None) -> NamedTransfer:
    """Return a transfer that expires some hours after `since`, or from now."""
    return NamedTransfer(name, domain, (since or datetime.now(UTC)) + timedelta(hours=hours))


def case(name: str, subject: Subject, *domains: str, since: datetime | None = None) -> Enrolment:
    """Return an enrolment with one transfer to each domain, named `case.domain`."""
    return Enrolment(name, subject, tuple(transfer(f"{name}.{d}", d, since=since) for d in domains))
