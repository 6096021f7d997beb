"""Every error of the worker, with its code and the exit status it ends a command with.

An error carries a code, identifiers and places. It never carries a value from an order or a scan.
"""

from __future__ import annotations

from enum import IntEnum

from worker.model import Hold


class Exit(IntEnum):
    """Exit statuses of both scripts (docs/command-line.md)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    REFUSED = 4
    UNVERIFIED = 5
    MISCONFIGURED = 78


class WorkerError(Exception):
    """The root: `what` is wrong and a `hint` what to do, each a phrase without a value from input."""

    exit_status = Exit.FAILED

    def __init__(self, code: str, what: str, hint: str = "") -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what
        self.hint = hint


class Unusable(WorkerError):
    """What was given on the command line or in an order cannot be used; nothing was kept."""

    exit_status = Exit.USAGE


class Held(WorkerError):
    """A transfer is kept back until a person decides; `holds` says why, scan by scan."""

    exit_status = Exit.HELD

    def __init__(self, code: str, what: str, hint: str = "", holds: tuple[Hold, ...] = ()) -> None:
        super().__init__(code, what, hint)
        self.holds = holds or (Hold(code),)


class Refused(WorkerError):
    """A rule forbids it, whoever asks."""

    exit_status = Exit.REFUSED


class Unverified(WorkerError):
    """A package or the ledger is not what its signatures and digests say."""

    exit_status = Exit.UNVERIFIED


class Unavailable(WorkerError):
    """Something the worker depends on is away; trying again later costs no attempt."""


class Misconfigured(WorkerError):
    """The installation cannot run as it is set up."""

    exit_status = Exit.MISCONFIGURED
