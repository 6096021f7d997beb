"""Who starts whom, who outlives whom, and what a child may read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.reader import BytesReader
from worker.errors import Misconfigured, Unavailable
from worker.sandbox.confinement import Limits
from worker.sandbox.forkserver import ChildDied, ForkServer

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer("hostile_jobs", TESTS)
    yield server
    server.close()


class Synthetic:
    """A reader of any size that holds nothing."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        return b"\x5a" * min(length, self.size - offset)


class Failing:
    """A source that is away."""

    size = 1000

    def read(self, offset: int, length: int) -> bytes:
        raise Unavailable("store-down", "the store is away")


class Short:
    """A source that has lost its end."""

    size = 1000

    def read(self, offset: int, length: int) -> bytes:
        return b"?"


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def test_what_a_child_reads_is_what_the_source_holds(server: ForkServer) -> None:
    data = os.urandom(250_001)
    with server.child(Limits(), PATIENCE) as child:
        small, total, _ = child.run("read", str(len(data)).encode(), [BytesReader(data)])
    assert small == data
    assert int(total) == len(data)


def test_memory_is_the_same_for_a_small_and_a_600_mb_source(server: ForkServer) -> None:
    peaks: list[int] = []
    for size in (30_000_000, 600_000_000):
        with server.child(Limits(), PATIENCE) as child:
            _, total, peak = child.run("read", str(size).encode(), [Synthetic(size)])
        assert int(total) == size
        peaks.append(int(peak) * 1024)
    assert abs(peaks[1] - peaks[0]) < 8 << 20


def test_an_error_of_the_source_is_the_sources_own_and_no_fault_of_the_scan(server: ForkServer) -> None:
    with server.child(Limits(), PATIENCE) as child, pytest.raises(Unavailable) as raised:
        list(child.run("read", b"1000", [Failing()]))
    assert raised.value.code == "store-down"
    with server.child(Limits(), PATIENCE) as child, pytest.raises(Unavailable):
        list(child.run("read", b"1000", [Short()]))


def test_a_childs_descriptors_and_environment_are_empty_from_outside_too(server: ForkServer) -> None:
    with server.child(Limits(), PATIENCE) as child:
        pid = int(next(child.run("pid", b"", [])))
        process = Path(f"/proc/{pid}")
        if not process.exists():
            pytest.skip("no /proc on this system")
        try:
            assert (process / "environ").read_bytes() == b""
            assert [entry.name for entry in (process / "fd").iterdir()] == ["0"]
        except PermissionError:
            # Only root may look into a process that is not dumpable: hostile_jobs.facts asks from inside.
            assert os.geteuid() != 0
    assert eventually(lambda: not psutil.pid_exists(pid))


def test_a_child_works_in_no_folder_and_is_nobody(server: ForkServer) -> None:
    with server.child(Limits(), PATIENCE) as child:
        process = psutil.Process(int(next(child.run("pid", b"", []))))
        if os.geteuid() == 0:
            assert process.uids().effective != 0
            assert process.cwd() == "/"
        assert process.children() == []


def test_a_child_killed_from_outside_says_nothing_about_its_scan(server: ForkServer) -> None:
    with server.child(Limits(), PATIENCE) as child:
        outputs = child.run("pid", b"", [])
        os.kill(int(next(outputs)), signal.SIGKILL)
        with pytest.raises(ChildDied):
            next(outputs)


def test_the_server_has_an_empty_environment_and_one_socket(server: ForkServer) -> None:
    environ = Path(f"/proc/{server.start()}/environ")
    if not environ.exists():
        pytest.skip("no /proc on this system")
    assert environ.read_bytes() == b""


def test_the_server_loads_no_key_service_connection_or_setting() -> None:
    """What is not in the server is in no child: a child cannot import."""
    script = "import worker.sandbox.child, worker.jobs, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    ours = {name for name in loaded if name.partition(".")[0] in ("worker", "keys", "samples")}
    parts = ("channel", "child", "confinement", "link", "syscalls", "wire")
    sandbox = {f"worker.sandbox.{name}" for name in parts}
    assert ours == {"worker", "worker.jobs", "worker.sandbox", "worker.scans"} | sandbox
    foreign = {"sqlalchemy", "httpx", "cryptography", "boto3", "dramatiq", "pydantic_settings", "uvicorn"}
    assert not loaded & foreign


def test_a_killed_server_takes_its_children_along_and_is_replaced(server: ForkServer) -> None:
    with server.child(Limits(), PATIENCE) as child:
        outputs = child.run("pid", b"", [])
        pid = int(next(outputs))
        first = server.start()
        os.kill(first, signal.SIGKILL)
        with pytest.raises(ChildDied):
            next(outputs)
    assert eventually(lambda: not psutil.pid_exists(pid))
    with server.child(Limits(), PATIENCE) as child:
        assert list(child.run("echo", b"again", [])) == [b"again"]
    assert server.start() != first


def test_a_closed_server_leaves_no_process() -> None:
    server = ForkServer("hostile_jobs", TESTS)
    with server.child(Limits(), PATIENCE) as child:
        pid = int(next(child.run("pid", b"", [])))
        parent = server.start()
        server.close()
        assert eventually(lambda: not psutil.pid_exists(pid))
        assert not psutil.pid_exists(parent)


WORKER = """
import sys, time
from pathlib import Path
from worker.sandbox.confinement import Limits
from worker.sandbox.forkserver import ForkServer
server = ForkServer("hostile_jobs", Path(sys.argv[1]))
with server.child(Limits(), 60) as child:
    print(server.start(), int(next(child.run(sys.argv[2], b"", []))), flush=True)
    time.sleep(60)
"""


def test_a_killed_worker_takes_server_and_children_along() -> None:
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(TESTS), "pid"], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    server, child = (int(word) for word in worker.stdout.readline().split())
    assert psutil.pid_exists(server)
    assert psutil.pid_exists(child)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert eventually(lambda: not psutil.pid_exists(server) and not psutil.pid_exists(child), 2.0)


def test_threads_share_one_server(server: ForkServer) -> None:
    answers: list[bytes] = []

    def work(number: int) -> None:
        for step in range(5):
            with server.child(Limits(), PATIENCE) as child:
                answers.extend(child.run("echo", f"{number}-{step}".encode(), []))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"{n}-{step}".encode() for n in range(6) for step in range(5))


def test_many_children_leave_no_descriptor_and_no_process(server: ForkServer) -> None:
    before = psutil.Process().num_fds()
    forker = psutil.Process(server.start())
    assert eventually(lambda: not forker.children())
    forker_before = forker.num_fds()
    for _ in range(30):
        with server.child(Limits(), PATIENCE) as child:
            list(child.run("echo", b"", []))
    assert psutil.Process().num_fds() == before
    assert eventually(lambda: not forker.children() and forker.num_fds() == forker_before)


def test_a_server_that_cannot_start_is_a_fault_of_the_installation() -> None:
    with pytest.raises(Misconfigured):
        ForkServer("no_such_jobs").start()
