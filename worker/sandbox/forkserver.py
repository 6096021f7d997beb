"""Children for scans, forked by a process that has never seen the worker's settings, keys or connections.

Not `multiprocessing`: its children import the main module, inherit the environment and unpickle.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from pipelines.reader import Reader
from worker.errors import Misconfigured, Unavailable, WorkerError
from worker.sandbox.channel import (
    END,
    FAULT,
    OUTPUT,
    READ,
    READ_FRAME,
    READ_LIMIT,
    Channel,
    ChannelClosed,
    Fault,
    OutOfTime,
)
from worker.sandbox.child import READY, STATUS
from worker.sandbox.confinement import Limits
from worker.sandbox.wire import WireFault, decode

_START_SECONDS = 60.0
_END_SECONDS = 5.0
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS)


class ChildDied(WorkerError):
    """A child was killed from outside: nothing is known about its scan, and the attempt counts."""

    def __init__(self) -> None:
        super().__init__(
            "child-died",
            "a pipeline process was killed before it finished",
            "look for the system's out-of-memory killer, or give the machine more memory",
        )


class Stopped(Exception):
    """A child gave up, broke the protocol or a limit: its scan is held for `fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Child:
    """One process for one job, confined before it hears of it."""

    def __init__(self, channel: Channel, status: socket.socket) -> None:
        self._channel, self._status = channel, status

    def run(self, job: str, request: bytes, readers: Sequence[Reader]) -> Iterator[bytes]:
        """Yield the outputs of `job`, serving its reads of `readers` in between.

        Raises `Stopped`, `ChildDied`, or what a reader raised: a source that cannot be read says
        nothing about the scan.
        """
        try:
            self._channel.send(job.encode("ascii"), b"\n", request)
            while (frame := self._channel.receive())[:1] != END:
                if frame[:1] == OUTPUT:
                    yield frame[1:]
                else:
                    self._channel.send(_answer(frame, readers))
        except OutOfTime:
            raise Stopped(Fault("scan-exceeds-limits", "time")) from None
        except WireFault:
            raise Stopped(Fault("pipeline-fault", "protocol")) from None
        except ChannelClosed:
            raise self._death() from None

    def close(self) -> None:
        """The process is gone, or is being killed."""
        self._channel.close()
        self._status.close()

    def _death(self) -> Stopped | ChildDied:
        """Return what the end of the process means; whoever kills from outside proves nothing."""
        self._status.settimeout(_END_SECONDS)
        try:
            told = self._status.recv(STATUS.size)
        except OSError:
            return ChildDied()
        if len(told) != STATUS.size:
            return ChildDied()
        (code,) = STATUS.unpack(told)
        if code == -signal.SIGXCPU:
            return Stopped(Fault("scan-exceeds-limits", "processor time"))
        if code >= 0:
            return Stopped(Fault("pipeline-fault", "exit"))
        if -code in _CRASHES:
            return Stopped(Fault("pipeline-fault", signal.Signals(-code).name))
        return ChildDied()


def _answer(frame: bytes, readers: Sequence[Reader]) -> bytes:
    """Return the bytes that a read frame asks for, if it may; a fault frame, or nonsense, ends the job."""
    if frame[:1] == FAULT:
        raise Stopped(decode(Fault, frame[1:]))
    if frame[:1] != READ or len(frame) != 1 + READ_FRAME.size:
        raise WireFault("frame")
    index, offset, length = READ_FRAME.unpack(frame[1:])
    if index >= len(readers) or length > READ_LIMIT or offset + length > readers[index].size:
        raise WireFault("read")
    data: bytes = readers[index].read(offset, length)
    if len(data) != length:
        raise Unavailable("source-short", "an upload has fewer bytes than was recorded", "check the store")
    return data


class ForkServer:
    """The forking process: started when first needed, and again when it was killed.

    `jobs` names the module whose `JOBS` are all that a child can be asked for; `folder` is where it
    lies if it is not installed. Usable from several threads.
    """

    def __init__(self, jobs: str = "worker.jobs", folder: Path | None = None) -> None:
        self._arguments = [jobs] if folder is None else [jobs, str(folder)]
        self._lock = Lock()
        self._server: _Server | None = None

    def start(self) -> int:
        """Return the process id of the running server; its code is loaded."""
        with self._lock:
            return self._running().process.pid

    @contextlib.contextmanager
    def child(self, limits: Limits, patience: float) -> Iterator[Child]:
        """Yield a fresh child that is waited for `patience` seconds in all; afterwards it is gone."""
        channel, channel_end = socket.socketpair()
        status, status_end = socket.socketpair()
        with channel_end, status_end:
            self._hand_over(limits, (channel_end.fileno(), status_end.fileno()))
        child = Child(Channel(channel, patience), status)
        try:
            yield child
        finally:
            child.close()

    def close(self) -> None:
        """The server and all its children are gone."""
        with self._lock:
            self._stop()

    def _hand_over(self, limits: Limits, ends: tuple[int, int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._running().control, [limits.pack()], ends)
            except OSError:
                # It died since it was last looked at; a new one that dies at once is a fault of its own.
                self._stop()
                socket.send_fds(self._running().control, [limits.pack()], ends)

    def _running(self) -> _Server:
        if self._server is not None and self._server.process.poll() is not None:
            self._stop()
        if self._server is None:
            self._server = _start(self._arguments)
        return self._server

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        self._server = None


@dataclass(frozen=True, slots=True)
class _Server:
    process: subprocess.Popen[bytes]
    control: socket.socket

    def stop(self) -> None:
        # It ends by itself when its socket closes, and takes its children along.
        self.control.close()
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _start(arguments: list[str]) -> _Server:
    control, standard_input = socket.socketpair()
    with standard_input:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-I", "-m", "worker.sandbox.child", *arguments],
            stdin=standard_input.fileno(),
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={},
            # An interrupt at the terminal is the worker's to handle.
            start_new_session=True,
        )
    server = _Server(process, control)
    control.settimeout(_START_SECONDS)
    with contextlib.suppress(OSError):
        if control.recv(1) == READY:
            control.settimeout(None)
            return server
    server.stop()
    raise Misconfigured("forkserver", "the pipeline's process does not start", "install pseudodont again")
