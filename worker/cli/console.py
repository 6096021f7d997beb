"""How commands speak: facts to standard output, as sentences or as JSON; everything else to standard error.

A fault is two lines, what is wrong and what to do, lower case, without a full stop. Nothing that was
read from an order or a scan is ever printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.errors import WorkerError

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


def facts(value: Json) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2))  # noqa: T201


def say(*lines: str) -> None:
    """Print sentences for a person."""
    for line in lines:
        print(line)  # noqa: T201


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print aligned columns."""
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def note(line: str) -> None:
    """Tell a person something that is not a fact of the answer."""
    print(line, file=sys.stderr)  # noqa: T201


def fault(code: str, what: str, hint: str) -> None:
    """Say what is wrong and what to do."""
    note(f"{code}: {what}" if what else code)
    if hint:
        note(f"hint: {hint}")


def fault_of(error: WorkerError) -> int:
    """Say an error of ours and return its exit status."""
    fault(error.code, error.what, error.hint)
    return int(error.exit_status)
