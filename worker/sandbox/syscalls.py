"""The system calls that a confined child may make: memory, its one socket, time, and leaving.

Limits keep a process from opening files; they do not keep it from deleting them, or from sending
signals to processes of the same user. A seccomp filter (Linux) refuses every call that is not listed.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM

# The AUDIT_ARCH_* value of each machine, and which column of the table is its.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_filtered() -> bool:
    """Whether this system can refuse system calls one by one."""
    return sys.platform.startswith("linux") and platform.machine() in _MACHINES


def restrict(libc: ctypes.CDLL) -> None:
    """Every call that is not listed fails with EPERM from now on; needs PR_SET_NO_NEW_PRIVS."""
    if not is_filtered():
        return
    instructions = _filter(*_MACHINES[platform.machine()])
    program = _Program(len(instructions) // 8, instructions)
    libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program))


def _filter(architecture: int, column: int) -> bytes:
    """Return the classic BPF program: the machine first, since numbers mean something else on another."""
    numbers = [row[column] for row in _ALLOWED.values()]
    program = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_JUMP_IF_EQUAL, architecture, if_not=len(numbers) + 1),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        program.append(_instruction(_JUMP_IF_EQUAL, number, if_so=left))
    program += [_instruction(_RETURN, _REFUSE), _instruction(_RETURN, _ALLOW)]
    return b"".join(program)


def _instruction(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
