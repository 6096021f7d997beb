"""The process that forks a child for every scan, and what such a child does.

Started as `python -I -m worker.sandbox.child JOBS [FOLDER]` with an empty environment and one socket as
its standard input. It loads the module JOBS, whose `JOBS` are the only things a child can be asked
for, and forks from there: a child has all code in memory and needs to open nothing. When the
worker's end of the socket closes, it kills its children and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from typing import NoReturn

from pipelines.errors import NeedsPerson, PipelineError
from worker.sandbox.channel import END, FAULT, WHERE_LIMIT, Channel, ChannelClosed, Fault
from worker.sandbox.confinement import LIMITS_SIZE, Limits, confine, keep_only
from worker.sandbox.link import Job, Link
from worker.sandbox.wire import encode

READY = b"+"
STATUS = struct.Struct("!i")
"""How a child ended, as `os.waitstatus_to_exitcode` puts it: minus the signal, or the exit status."""


class Forker:
    """The children that are running, each with the socket over which the worker hears of its end."""

    def __init__(self, control: socket.socket, jobs: Mapping[str, Job]) -> None:
        self._control, self._jobs = control, jobs
        self._children: dict[int, socket.socket] = {}
        self._ended, self._wakeup = socket.socketpair()
        for end in (self._ended, self._wakeup):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)

    def serve(self) -> None:
        """Fork on request until the worker is gone; no child is left."""
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._ended, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            # Ends first: a status socket that the worker closed belongs to a child to be killed.
            if self._ended in ready:
                self._reap()
            for pid in [pid for pid, status in self._children.items() if status in ready]:
                os.kill(pid, signal.SIGKILL)
                self._selector.unregister(self._children[pid])
            if self._control in ready and not self._fork():
                break
        # The sockets close before the interpreter ends, and children end in between.
        signal.set_wakeup_fd(-1)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _fork(self) -> bool:
        try:
            packed, handed, _, _ = socket.recv_fds(self._control, LIMITS_SIZE, 2)
        except OSError:
            return False
        if len(packed) != LIMITS_SIZE or len(handed) != 2:
            return False
        channel, status = handed
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(channel, Limits.unpack(packed), server)
        os.close(channel)
        self._children[pid] = socket.socket(fileno=status)
        self._selector.register(self._children[pid], selectors.EVENT_READ)
        return True

    def _reap(self) -> None:
        self._ended.recv(4096)
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            end = self._children.pop(pid)
            if end in self._selector.get_map():
                self._selector.unregister(end)
            with end:
                _tell(end, os.waitstatus_to_exitcode(status))

    def _become_child(self, channel: int, limits: Limits, server: int) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end = keep_only(channel)
            confine(limits, server)
            run(Channel(end), self._jobs)
        finally:
            # Never back into the server's loop, whatever happened.
            os._exit(0)


def _tell(end: socket.socket, code: int) -> None:
    try:
        end.send(STATUS.pack(code))
    except OSError:
        return


def run(channel: Channel, jobs: Mapping[str, Job]) -> None:
    """Do the one job that the worker names; it has heard of the end, or of a fault without a value."""
    try:
        name, _, request = channel.receive().partition(b"\n")
        link = Link(channel)
        jobs[name.decode("ascii")](request, link)
        channel.send(END)
    except ChannelClosed:
        return
    except Exception as error:
        channel.send(FAULT, encode(Fault, fault_of(error)))


def fault_of(error: Exception) -> Fault:
    """Return what may be said of `error`: of an unexpected one, its class alone."""
    if isinstance(error, (MemoryError, RecursionError)):
        return Fault("scan-exceeds-limits", "memory")
    if isinstance(error, PipelineError):
        return Fault(error.code, error.where[:WHERE_LIMIT], isinstance(error, NeedsPerson))
    return Fault("pipeline-fault", type(error).__name__)


def main() -> None:
    """Load the jobs, say so, and fork until the worker is gone."""
    module, *folder = sys.argv[1:]
    sys.path.extend(folder)
    # Else importing numpy starts threads, and a fork of threads is a gamble.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    jobs: Mapping[str, Job] = importlib.import_module(module).JOBS
    os.environ.clear()
    control = socket.socket(fileno=0)
    with contextlib.suppress(OSError):
        # Who started this may be gone already; the loop ends by itself then.
        control.sendall(READY)
    gc.freeze()
    Forker(control, jobs).serve()


if __name__ == "__main__":
    main()
