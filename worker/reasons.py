"""What each code means to a person: the rows of the `reasons.csv` beside the code that raises it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PACKAGES = ("pipelines", "worker", "keys")


@dataclass(frozen=True, slots=True)
class Reason:
    """A code, what is wrong, and what a person can do."""

    code: str
    what: str
    hint: str


def reason(code: str) -> Reason:
    """Return what is known of a code; an unknown one speaks for itself."""
    return reasons().get(code, Reason(code, code, "see docs/errors.md"))


@cache
def reasons() -> Mapping[str, Reason]:
    """Return every reason by its code."""
    found: dict[str, Reason] = {}
    for package in _PACKAGES:
        with files(package).joinpath("reasons.csv").open(encoding="utf-8") as rows:
            for row in csv.DictReader(rows):
                found[row["code"]] = Reason(row["code"], row["what"], row["hint"])
    return found
