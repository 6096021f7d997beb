"""What a worker process has open, mapped, inherited and loaded: nothing of the key service but its socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from installations import SURNAME, Clinic, installed, surface, upload

from keys.client import socket_path
from keys.places import Places
from worker.model import State

_SECRETS = ("kek", "data-keys", "service-keys", "keys.db")


@dataclass(frozen=True, slots=True)
class Seen:
    """Every path and text that a process was seen to hold while it worked."""

    files: frozenset[str]
    maps: str
    environment: str
    secret: bytes


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("zones")) as made:
        yield made


@pytest.fixture(scope="module")
def seen(clinic: Clinic) -> Seen:
    """A worker and its children, looked at again and again until a case of its own is published."""
    big = [upload(f"{SURNAME}_{n}.stl", surface(40_000, SURNAME)) for n in range(4)]
    (transfer,) = clinic.submit(uploads=big).transfers
    kek = Places.below(clinic.home.path).kek.read_bytes()
    files: set[str] = set()
    maps, environment = "", ""
    with clinic.started("work") as worker:
        looks, states = 0, set[State]()
        deadline = time.monotonic() + 60
        while State.PUBLISHED not in states and time.monotonic() < deadline:
            for process in _family(worker.pid):
                files |= _open_files(process)
                maps += _text(process, "maps")
                environment += _text(process, "environ")
            states.add(clinic.transfer(transfer).state)
            looks += 1
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    assert State.PUBLISHED in states
    assert looks > 3
    return Seen(frozenset(files), maps, environment, kek)


def _family(pid: int) -> list[int]:
    """Return the worker and its children; the key service is nobody's child."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _open_files(pid: int) -> set[str]:
    found = set[str]()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found.add(str(link.readlink()))
    except OSError:
        pass
    return found


def _text(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text(errors="replace")
    except OSError:
        return ""


def test_the_worker_was_seen_with_its_own_files_open(clinic: Clinic, seen: Seen) -> None:
    assert str(clinic.home.database) in seen.files
    assert str(clinic.home.log) in seen.files
    assert any(path.startswith(str(clinic.home.incoming)) for path in seen.files)


def test_no_file_of_the_key_service_is_open(clinic: Clinic, seen: Seen) -> None:
    folder = str(Places.below(clinic.home.path).folder)
    assert not [path for path in seen.files if path.startswith(folder)]
    assert not [path for path in seen.files if Path(path).name in _SECRETS]


def test_no_file_of_the_key_service_is_mapped(clinic: Clinic, seen: Seen) -> None:
    assert str(Places.below(clinic.home.path).folder) not in seen.maps
    assert not [name for name in _SECRETS if f"/{name}" in seen.maps]


def test_no_key_and_no_way_to_one_is_in_the_environment(clinic: Clinic, seen: Seen) -> None:
    assert seen.environment
    assert str(Places.below(clinic.home.path).folder) not in seen.environment
    assert seen.secret.decode(errors="replace") not in seen.environment
    assert seen.secret.hex() not in seen.environment


def test_the_key_service_is_no_child_of_the_worker_and_has_no_file_of_its(clinic: Clinic) -> None:
    clinic.reception()
    pid = clinic.keys_pid()
    assert pid is not None
    others = [path for path in _open_files(pid) if path.startswith(str(clinic.home.path))]
    folder = str(Places.below(clinic.home.path).folder)
    assert others
    assert all(path.startswith(folder) for path in others)
    assert socket_path(clinic.home.path).is_socket()
    assert os.getpid() not in [parent.pid for parent in psutil.Process(pid).parents()]


_WORKS = """
import sys
from pathlib import Path
from worker import app
from worker.queue import Pace, serve
from worker.settings import Home
home = Home(Path(sys.argv[1]))
app.start_keys(home)
with app.services(home) as services:
    serve(services, Pace(until_idle=True, should_stop=lambda: False))
print(*sorted(name for name in sys.modules if name.split('.')[0] in ('keys', 'worker')))
"""


def test_a_worker_that_brought_a_case_to_its_end_never_loaded_the_key_table(clinic: Clinic) -> None:
    (transfer,) = clinic.submit().transfers
    command = [sys.executable, "-c", _WORKS, str(clinic.home.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert clinic.transfer(transfer).state is State.PUBLISHED
    assert {name for name in loaded if name.startswith("keys")} == {
        "keys",
        "keys.client",
        "keys.credentials",
        "keys.errors",
        "keys.model",
        "keys.places",
    }
    assert not [name for name in loaded if name.startswith("worker.cli")]
