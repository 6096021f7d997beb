"""Worker processes that begin at once: forked from one that has imported everything, to be killed.

Run as a program with a home, it forks a worker for every line it reads and prints its process id; the worker
does what `pseudodont work --until-idle` does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


class Nursery:
    """Where workers of one installation come from."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def worker(self) -> psutil.Process:
        """Return a worker that has just begun."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write("\n")
        self._program.stdin.flush()
        return psutil.Process(int(self._program.stdout.readline()))


@contextmanager
def nursery(home: Path) -> Iterator[Nursery]:
    """Give a nursery for the installation in `home`; none of its workers is left."""
    line = [sys.executable, str(Path(__file__).resolve()), str(home)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as program:
        try:
            yield Nursery(program)
        finally:
            for worker in psutil.Process(program.pid).children():
                with suppress(psutil.NoSuchProcess):
                    worker.kill()


def kill(process: psutil.Process) -> list[psutil.Process]:
    """End a process with `kill -9`; return those that descend from it and should end by themselves.

    A key service that it was about to start is meant to outlive it, and is not among them.
    """
    try:
        descendants = [one for one in process.children(recursive=True) if not _is_keys(one)]
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return []
    process.wait(10)
    return descendants


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those of the processes that have not ended in ten seconds."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def _is_keys(process: psutil.Process) -> bool:
    try:
        return "keys.cli" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _work(home: Path) -> None:
    from worker import app
    from worker.queue import Pace, serve
    from worker.settings import Home

    place = Home(home)
    app.start_keys(place)
    with app.services(place) as services:
        serve(services, Pace(until_idle=True, should_stop=lambda: False))


def _main(home: Path) -> None:
    import dramatiq.brokers.stub

    import worker.app
    import worker.cleaning
    import worker.queue

    assert dramatiq.brokers.stub
    assert worker.app
    # Nobody waits for a worker: the kernel buries it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _work(home)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
