"""Everything that can go wrong with the key service, as codes.

An error carries a code and nothing else: no identity, no pseudonym, no part of a request. The
sentences and the HTTP status of each code are the rows of `reasons.csv`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FAILED, MISCONFIGURED = 1, 78
"""The exit codes of `pseudodont-keys` beside 0, done, and 2, usage."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of `reasons.csv`: what a code says to a person, and its HTTP status."""

    status: int
    what: str
    hint: str


@cache
def reasons() -> dict[str, Reason]:
    """Return every code the key service and its client may raise."""
    table = files("keys").joinpath("reasons.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return {row["code"]: Reason(int(row["status"]), row["what"], row["hint"]) for row in rows}


class KeysError(Exception):
    """The root: `code` is a row of `reasons.csv`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def reason(self) -> Reason:
        """What the code says; a code of a newer service reads as a failure of the service."""
        return reasons().get(self.code, reasons()["keys-failing"])


class KeysRefused(KeysError):
    """The key service understood and will not: asking again changes nothing."""


class KeysUnavailable(KeysError):
    """The key service is down, slow or failing: the same request may be sent again later."""


class KeysMisconfigured(KeysError):
    """This installation of the key service cannot run until a person changes something."""


def told(error: KeysError) -> tuple[str, int]:
    """Return what a program writes to standard error about `error`, and the code it exits with."""
    exit_code = MISCONFIGURED if isinstance(error, KeysMisconfigured) else FAILED
    return f"{error.code}: {error.reason.what}\nhint: {error.reason.hint}\n", exit_code


def reported(text: str, exit_code: int | None) -> KeysError:
    """Return the error of which another process told so; anything else reads as a failed start."""
    code = text.partition(":")[0]
    if code not in reasons():
        return KeysUnavailable("keys-not-started")
    if exit_code == MISCONFIGURED:
        return KeysMisconfigured(code)
    return KeysRefused(code) if reasons()[code].status < 500 else KeysUnavailable(code)
