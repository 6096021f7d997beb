"""What a child that a scan has taken over might try; loaded by a fork server, not by a test."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping

from pipelines.errors import NeedsPerson, Undecodable
from worker.sandbox.channel import OUTPUT, READ, READ_FRAME
from worker.sandbox.link import Job, Link


def echo(request: bytes, link: Link) -> None:
    link.output(request)


def read(request: bytes, link: Link) -> None:
    """Read what is asked for in small steps, then all of it in long ones."""
    size = int(request)
    reader = link.reader(0, size)
    small = b"".join(reader.read(offset, 7) for offset in range(0, min(size, 300_000), 7))
    link.output(small[:size])
    held = 0
    for offset in range(0, size, 1 << 20):
        held += len(reader.read(offset, 1 << 20))
    link.output(str(held).encode())
    link.output(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss).encode())


def facts(_request: bytes, link: Link) -> None:
    """Tell what is within reach."""
    attempts: dict[str, Callable[[], object]] = {
        "open": lambda: open("/etc/passwd"),  # noqa: SIM115, PTH123 - it must not open
        "write": lambda: open("/tmp/hostile", "w"),  # noqa: S108, SIM115, PTH123
        "socket": socket.socket,
        "socketpair": socket.socketpair,
        "pipe": os.pipe,
        "dup": lambda: os.dup(0),
        "listdir": lambda: os.listdir("/proc/self/fd"),  # noqa: PTH208
        "look": lambda: os.stat("/etc/passwd"),  # noqa: PTH116
        "make a folder": lambda: os.mkdir("/tmp/hostile"),  # noqa: PTH102, S108
        "rename": lambda: os.rename("/tmp/a", "/tmp/b"),  # noqa: PTH104, S108
        "signal": lambda: os.kill(os.getpid(), 0),
        "fork": _fork,
        "thread": lambda: threading.Thread(target=int).start(),
        "raise limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    }
    told = {
        "allowed": [name for name, attempt in attempts.items() if _succeeds(attempt)],
        "descriptors": [number for number in range(4096) if _is_open(number)],
        "modules": sorted(sys.modules),
        "environment": dict(os.environ),
    }
    link.output(json.dumps(told).encode())


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, RuntimeError, ValueError):
        return False
    return True


def _is_open(number: int) -> bool:
    return _succeeds(lambda: os.write(number, b"")) or _succeeds(lambda: os.read(number, 0))


def garbage(_request: bytes, _link: Link) -> None:
    os.write(0, b"\x00\x00\x00\x05zzzzz")


def unfinished(_request: bytes, _link: Link) -> None:
    os.write(0, b"\x00\x00\x10\x00r")


def huge(_request: bytes, _link: Link) -> None:
    os.write(0, b"\xff\xff\xff\xff" + OUTPUT)
    time.sleep(60)


def pickled(_request: bytes, _link: Link) -> None:
    os.write(0, b"\x00\x00\x00\x0ff\x80\x04cos\nsystem\n.")


def beyond(_request: bytes, _link: Link) -> None:
    _ask(0, 90, 20)


def elsewhere(_request: bytes, _link: Link) -> None:
    _ask(7, 0, 1)


def greedy(_request: bytes, _link: Link) -> None:
    _ask(0, 0, 1 << 31)


def _ask(index: int, offset: int, length: int) -> None:
    frame = READ + READ_FRAME.pack(index, offset, length)
    os.write(0, len(frame).to_bytes(4, "big") + frame)
    time.sleep(60)


def fault_with_text(_request: bytes, _link: Link) -> None:
    told = b'f["Niroloez, Eman","",false]'
    os.write(0, len(told).to_bytes(4, "big") + told)


def spin(_request: bytes, _link: Link) -> None:
    while True:
        pass


def sleep(_request: bytes, _link: Link) -> None:
    time.sleep(60)


def allocate(_request: bytes, _link: Link) -> None:
    held = []
    while True:
        held.append(bytes(1 << 24))


def recurse(request: bytes, link: Link) -> None:
    recurse(request, link)


def leave(_request: bytes, _link: Link) -> None:
    sys.exit(0)


def crash(_request: bytes, _link: Link) -> None:
    ctypes.string_at(0)


def quoting(request: bytes, _link: Link) -> None:
    raise ValueError(request.decode())


def undecodable(_request: bytes, _link: Link) -> None:
    raise Undecodable("stl-truncated", "header")


def doubtful(_request: bytes, _link: Link) -> None:
    raise NeedsPerson("pixels-unchecked")


def pid(_request: bytes, link: Link) -> None:
    """Tell the process id and stay."""
    link.output(str(os.getpid()).encode())
    time.sleep(60)


_ALL = (
    echo, read, facts, garbage, unfinished, huge, pickled, beyond, elsewhere, greedy, fault_with_text, spin,
    sleep, allocate, recurse, leave, crash, quoting, undecodable, doubtful, pid,
)  # fmt: skip

JOBS: Mapping[str, Job] = {job.__name__.replace("_", "-"): job for job in _ALL}
