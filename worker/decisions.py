"""What a person decides about a held transfer: look at it, let it go on, or reject it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from pipelines.errors import PipelineError
from pipelines.reader import Reader
from pipelines.segments import Range, stream
from worker import cases, orders
from worker.casework import belongs
from worker.cleaning import Cleaner
from worker.database import transaction
from worker.errors import Refused, Unusable
from worker.incoming import Uploads
from worker.journal import enter
from worker.model import Hold, State, Transfer, TransferId
from worker.records import Event
from worker.scans import Placed, Source, scans
from worker.sealing import Identity
from worker.services import Records
from worker.store import Store

LOOKED_AT = "pixels-unchecked"
"""The one reason a person clears by looking; every other is cleared by taking the scan out, or by nothing."""

RETRIED = frozenset({"worker-died", "no-scan"})
"""Reasons that are no scan's: letting the transfer go on tries again."""

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class HeldTransfer:
    """A held transfer and why."""

    transfer: Transfer
    holds: tuple[Hold, ...]


def held(records: Records) -> list[HeldTransfer]:
    """Return what is held, the oldest first."""
    with transaction(records.engine) as connection:
        waiting = cases.transfers(connection, State.HELD)
        return [HeldTransfer(one, tuple(cases.holds(connection, one.id))) for one in waiting]


def let_go_on(records: Records, name: str, without: Sequence[str], reason: str) -> Transfer:
    """Give a held transfer back to the workers, without the scans named, under the person's reason code.

    Raises `Refused` when a scan holds something that no person can wave through: it can only be taken
    out, or the case submitted again with another scan. Raises `Unusable` for a scan that there is not:
    taking out nothing by a slip would send what was to stay.
    """
    _check_reason(reason)
    without = tuple(dict.fromkeys(without))
    with transaction(records.engine) as connection:
        found = _held(connection, name)
        holds = cases.holds(connection, found.id)
        _check_scans(without, found, holds)
        left = [hold for hold in holds if hold.code not in RETRIED and not belongs(hold.scan, without)]
        stuck = [hold for hold in left if hold.code != LOOKED_AT]
        if stuck:
            scan = stuck[0].scan
            hint = f"take it out with --without {scan}" if scan else "reject it, and submit the case again"
            what = f"scan {scan}" if scan else "the case"
            raise Refused(stuck[0].code, f"{what} cannot be waved through", hint)
        cases.reopen(connection, found.id, without, reason, looked=bool(left))
        event_id = f"reopened:{found.id}:{found.attempt}"
        enter(connection, records, found.id, Event.REOPENED, event_id, reason=reason, without=tuple(without))
    return found


def reject(records: Records, name: str, reason: str) -> Transfer:
    """End a held transfer for good."""
    _check_reason(reason)
    with transaction(records.engine) as connection:
        found = _held(connection, name)
        codes = tuple(hold.code for hold in cases.holds(connection, found.id))
        cases.set_state(connection, found.id, (State.HELD,), State.REFUSED)
        enter(connection, records, found.id, Event.REFUSED, f"refused:{found.id}", codes=codes, reason=reason)
    return found


@dataclass(frozen=True, slots=True)
class Lens:
    """What showing a held case to a person takes."""

    incoming: Store
    identity: Identity = field(repr=False)
    cleaner: Cleaner


def show(records: Records, lens: Lens, name: str, out: Path) -> list[Path]:
    """Write the original scans that are held into `out`, in the clear, for the person who asked."""
    with transaction(records.engine) as connection:
        found = _held(connection, name)
        wanted = {hold.scan for hold in cases.holds(connection, found.id)}
        items = cases.items(connection, found.case)
        sealed_order = cases.order_of(connection, found.case)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(out.iterdir()):
        raise Unusable("out-not-empty", "the folder is not empty", "name a new folder with --out")
    with Uploads(lens.incoming, [lens.identity]) as uploads:
        uploads.check(items)
        names = orders.case_file(uploads.order(sealed_order)).names
        sources = [Source(i.ordinal, name, uploads.item(i)) for i, name in zip(items, names, strict=True)]
        shown = [s for s in scans(lens.cleaner.survey(sources)) if s.scan_id in wanted or wanted == {""}]
        readers = {source.item: source.reader for source in sources}
        instances = [instance for scan in shown for instance in scan.instances]
        return list(dict.fromkeys(_write(out, instance, readers[instance.item]) for instance in instances))


def _write(out: Path, instance: Placed, reader: Reader) -> Path:
    """Write a scan, or the whole file it was uploaded in where that cannot be unpacked."""
    try:
        return _write_range(out / f"scan-{instance.id}", Range(0, instance.size, instance.layers), reader)
    except PipelineError:
        whole = out / f"scan-{instance.item}"
        return whole if whole.exists() else _write_range(whole, Range(0, reader.size), reader)


def _write_range(path: Path, part: Range, reader: Reader) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in stream([part], reader):
                file.write(chunk)
    except BaseException:
        path.unlink()
        raise
    return path


def _held(connection: Connection, name: str) -> Transfer:
    found = cases.get(connection, TransferId(name))
    if found is None:
        raise Unusable("transfer-unknown", "there is no such transfer", "see `pseudodont held`")
    if found.state is not State.HELD:
        raise Unusable("transfer-not-held", f"the transfer is {found.state}", "see `pseudodont held`")
    return found


def _check_scans(named: Sequence[str], transfer: Transfer, holds: Sequence[Hold]) -> None:
    """Let through held scans, the archives they came in, and whole files of the case."""
    files = {str(number) for number in range(1, transfer.items + 1)}
    for scan in named:
        if scan not in files and not any(belongs(hold.scan, (scan,)) for hold in holds):
            raise Unusable("scan-unknown", "there is no such scan to leave out", "see `pseudodont held`")


def _check_reason(reason: str) -> None:
    if len(reason) > 80 or not _CODE.fullmatch(reason):
        raise Unusable("reason-code", "a reason is a code of a-z, 0-9 and -", "for example checked-by-eye")
