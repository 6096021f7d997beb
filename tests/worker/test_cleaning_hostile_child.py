"""A scan that takes over its child reaches nothing, and only its own scan is held."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.reader import BytesReader
from worker.sandbox.channel import Fault
from worker.sandbox.confinement import Limits
from worker.sandbox.forkserver import ForkServer, Stopped
from worker.sandbox.syscalls import is_filtered

TESTS = Path(__file__).resolve().parents[1]
FILTERED = {"look", "make a folder", "rename", "signal"}
"""What only a filter of system calls can refuse, where there is one."""
SOURCE = BytesReader(bytes(100))


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    server = ForkServer("hostile_jobs", TESTS)
    yield server
    server.close()


def run(
    server: ForkServer, job: str, request: bytes = b"", limits: Limits | None = None, patience: float = 20
) -> list[bytes]:
    with server.child(limits or Limits(), patience) as child:
        return list(child.run(job, request, [SOURCE]))


def fault(server: ForkServer, job: str, limits: Limits | None = None, patience: float = 20) -> Fault:
    with pytest.raises(Stopped) as stopped:
        run(server, job, b"Niroloez", limits, patience)
    assert "Niroloez" not in repr(stopped.value.fault)
    return stopped.value.fault


def test_a_child_can_reach_no_file_socket_process_or_module_of_the_worker(server: ForkServer) -> None:
    (told,) = run(server, "facts")
    facts = json.loads(told)
    assert set(facts["allowed"]) <= (set() if is_filtered() else FILTERED)
    assert facts["descriptors"] == [0]
    assert facts["environment"] == {}
    roots = {name.partition(".")[0] for name in facts["modules"]}
    assert not roots & {"keys", "sqlalchemy", "httpx", "cryptography", "boto3", "dramatiq", "pydantic"}
    assert not {"worker.cli", "worker.settings", "worker.app", "worker.sealing"} & set(facts["modules"])


@pytest.mark.parametrize(
    "job", ["garbage", "unfinished", "huge", "pickled", "beyond", "elsewhere", "greedy", "fault-with-text"]
)
def test_a_child_that_breaks_the_protocol_is_ended_at_once(server: ForkServer, job: str) -> None:
    begun = time.monotonic()
    assert fault(server, job).code == "pipeline-fault"
    assert time.monotonic() - begun < 10


def test_a_child_that_spins_or_sleeps_or_allocates_exceeds_its_limits(server: ForkServer) -> None:
    assert fault(server, "spin", Limits(processor=1)) == Fault("scan-exceeds-limits", "processor time")
    assert fault(server, "spin", patience=0.5) == Fault("scan-exceeds-limits", "time")
    assert fault(server, "sleep", patience=0.5) == Fault("scan-exceeds-limits", "time")
    assert fault(server, "allocate", Limits(memory=1 << 30)) == Fault("scan-exceeds-limits", "memory")
    assert fault(server, "recurse") == Fault("scan-exceeds-limits", "memory")


def test_a_child_that_crashes_or_leaves_holds_its_scan(server: ForkServer) -> None:
    assert fault(server, "crash") == Fault("pipeline-fault", "SIGSEGV")
    assert fault(server, "leave") == Fault("pipeline-fault", "exit")


def test_an_unexpected_exception_tells_its_class_and_nothing_else(server: ForkServer) -> None:
    assert fault(server, "quoting") == Fault("pipeline-fault", "ValueError")


def test_a_job_that_is_not_on_the_list_does_not_run(server: ForkServer) -> None:
    assert fault(server, "os.system") == Fault("pipeline-fault", "KeyError")


def test_a_pipeline_error_arrives_with_its_code_and_place(server: ForkServer) -> None:
    assert fault(server, "undecodable") == Fault("stl-truncated", "header")
    assert fault(server, "doubtful") == Fault("pixels-unchecked", needs_person=True)


def test_the_next_scan_is_not_touched_by_the_last(server: ForkServer) -> None:
    for job in ("garbage", "crash", "leave"):
        fault(server, job)
        assert run(server, "echo", b"still here") == [b"still here"]
