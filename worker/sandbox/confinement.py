"""What a child gives up before it sees a byte of a scan.

No file, no socket, no process, no privilege: one open descriptor, so much memory, so much processor
time. It cannot be undone from inside. Where a system lacks one of these, the others stand.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Self

from worker.sandbox.syscalls import restrict

_PACKED = struct.Struct("!QI")
_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use: bytes of address space, seconds of processor time."""

    memory: int = 2 << 30
    processor: int = 600

    def pack(self) -> bytes:
        """Return the limits in `LIMITS_SIZE` bytes."""
        return _PACKED.pack(self.memory, self.processor)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the limits that `pack` wrote."""
        return cls(*_PACKED.unpack(data))


LIMITS_SIZE = _PACKED.size


def keep_only(channel: int) -> socket.socket:
    """Return `channel` as the one open descriptor of this process, its number 0."""
    os.dup2(channel, 0, inheritable=False)
    os.closerange(1, _descriptors())
    sys.stdin = sys.stdout = sys.stderr = None
    return socket.socket(fileno=0)


def confine(limits: Limits, parent: int) -> None:
    """This process gets no further descriptor, process or privilege, and ends when `parent` ends."""
    _leave_root()
    _limit(limits)
    # After the change of user, which clears the wish to end with the parent.
    _renounce()
    if os.getppid() != parent:
        os._exit(1)
    restrict(_LIBC)


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def _leave_root() -> None:
    """Limits on processes do not bind root, and root may write where nobody may."""
    if os.geteuid() != 0:
        return
    # A container may know no other user; the other limits hold there all the same.
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _limit(limits: Limits) -> None:
    # The hard limit comes later, so that the signal tells a busy scan from a kill by someone else.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 5))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    for none in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
        resource.setrlimit(none, (0, 0))


def _renounce() -> None:
    if not sys.platform.startswith("linux"):
        return
    for option, value in (
        (_PR_SET_NO_NEW_PRIVS, 1),
        (_PR_SET_DUMPABLE, 0),
        (_PR_SET_PDEATHSIG, signal.SIGKILL),
    ):
        _LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
