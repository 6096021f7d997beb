"""Registers exported from the ledger: one row an entry, with its position, as CSV or JSON.

CSV has the fixed columns of `COLUMNS`; a cell that a spreadsheet would run as a formula gets an
apostrophe in front. JSON is one array of the leaves as they are, each with its position and hash.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from worker.records import NOT_STATED, Entry, Recorded, written


class Format(StrEnum):
    """The kinds of file a register is exported as."""

    CSV = "csv"
    JSON = "json"


_CELLS: Mapping[str, Callable[[Entry], object]] = {
    "event": lambda entry: entry.event,
    "at": lambda entry: written(entry.at),
    "event_id": lambda entry: entry.event_id,
    "transfer": lambda entry: entry.transfer,
    "case": lambda entry: entry.case,
    "exporter": lambda entry: entry.exporter.name,
    "exporter_country": lambda entry: entry.exporter.country,
    "recipient": lambda entry: entry.recipient.id,
    "recipient_name": lambda entry: entry.recipient.name,
    "recipient_country": lambda entry: entry.recipient.country,
    "recipient_role": lambda entry: entry.recipient.role,
    "recipient_key": lambda entry: entry.recipient.key,
    "source": lambda entry: entry.source,
    "destination": lambda entry: entry.destination,
    "purpose": lambda entry: entry.purpose,
    "basis": lambda entry: entry.basis.mechanism if entry.basis else NOT_STATED,
    "basis_document": lambda entry: entry.basis and entry.basis.document_sha256,
    "basis_assessment": lambda entry: entry.basis and entry.basis.assessment,
    "basis_valid_until": lambda entry: entry.basis and entry.basis.valid_until,
    "categories": lambda entry: " ".join(f"{one.kind}/{one.role}:{one.count}" for one in entry.categories),
    "items": lambda entry: entry.items,
    "size": lambda entry: entry.size,
    "method": lambda entry: entry.method,
    "profile": lambda entry: entry.pseudonymised and entry.pseudonymised.profile,
    "profile_digest": lambda entry: entry.pseudonymised and entry.pseudonymised.digest,
    "package_sha256": lambda entry: entry.package and entry.package.sha256,
    "package_size": lambda entry: entry.package and entry.package.size,
    "subject_commitment": lambda entry: entry.subject_commitment,
    "codes": lambda entry: " ".join(entry.codes),
    "reason": lambda entry: entry.reason,
    "without": lambda entry: " ".join(entry.without),
    "attempt": lambda entry: entry.attempt,
    "expires": lambda entry: written(entry.expires) if entry.expires else None,
}

COLUMNS = ("position", "leaf_hash", *_CELLS)


def export(recorded: Iterable[Recorded], kind: Format) -> Iterator[str]:
    """Yield the text of a register, an entry at a time, each entry on a line of its own."""
    return _csv(recorded) if kind is Format.CSV else _json(recorded)


def _csv(recorded: Iterable[Recorded]) -> Iterator[str]:
    yield _line(COLUMNS)
    for one in recorded:
        cells = (cell(one.entry) for cell in _CELLS.values())
        yield _line((one.position, one.leaf_hash.hex(), *cells))


def _line(cells: Iterable[object]) -> str:
    """Return a line of CSV (RFC 4180)."""
    line = io.StringIO()
    csv.writer(line).writerow(_inert("" if cell is None else str(cell)) for cell in cells)
    return line.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _json(recorded: Iterable[Recorded]) -> Iterator[str]:
    yield "["
    for number, one in enumerate(recorded):
        place = {"position": one.position, "leaf_hash": one.leaf_hash.hex()}
        row = json.dumps({**place, **json.loads(one.entry.leaf())}, ensure_ascii=False)
        yield f"{',' if number else ''}\n{row}"
    yield "\n]\n"
