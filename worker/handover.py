"""The recipient's side of an installation it can reach: collect its packages, acknowledge them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worker import cases, delivery, identifiers, recipients
from worker.database import transaction
from worker.errors import Unavailable, Unusable, Unverified, WorkerError
from worker.journal import enter
from worker.model import RecipientId, State, Transfer, TransferId
from worker.package.opening import OpenedPackage, PackageRefused, open_package
from worker.records import Entry, Event
from worker.sealing import Identity
from worker.services import Records
from worker.signing import VerifyKey
from worker.store import Object
from worker.tlog.proofs import verify_proof

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys of the clinic that the recipient believes: who signs packages, who signs the log."""

    sender: VerifyKey
    log: VerifyKey


@dataclass(frozen=True, slots=True)
class Collected:
    """A transfer whose package was verified and written."""

    transfer: Transfer
    folder: Path
    opened: OpenedPackage


def collect(
    records: Records, recipient: str, identities: Sequence[Identity], out: Path, trust: Trust
) -> list[Collected]:
    """Write every package of the recipient that is not in `out` yet, each into a folder of its transfer.

    A folder appears when its package, its signature and its proof have been verified and the collection
    has been entered: what was handed out may have been read, whatever dies afterwards. One bad package
    does not keep back the others: every one is tried, then the first fault is raised.
    """
    with transaction(records.engine) as connection:
        if recipients.get(connection, RecipientId(recipient)) is None:
            raise Unusable("recipient-unknown", f"recipient {recipient} is not known", "check --as")
    waiting = delivery.collectable(records, RecipientId(recipient))
    fresh = [transfer for transfer in waiting if not (out / transfer.id).exists()]
    collected: list[Collected] = []
    faults: list[PackageRefused | WorkerError] = []
    for transfer in fresh:
        try:
            collected.append(_collect(records, transfer, identities, out, trust))
        except (PackageRefused, WorkerError) as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return collected


def acknowledge(records: Records, name: str) -> Transfer:
    """Enter that the recipient has the case and can work with it."""
    with transaction(records.engine) as connection:
        found = cases.get(connection, TransferId(name))
        if found is None:
            raise Unusable("transfer-unknown", "there is no such transfer", "see `pseudodont status`")
        if found.state is State.ACKNOWLEDGED:
            return found
        if not cases.set_state(connection, found.id, (State.COLLECTED,), State.ACKNOWLEDGED):
            raise Unusable("transfer-not-collected", f"the transfer is {found.state}", "collect it first")
        enter(connection, records, found.id, Event.ACKNOWLEDGED, f"acknowledged:{found.id}")
    delivery.write_checkpoint(records)
    return found


def _collect(
    records: Records, transfer: Transfer, identities: Sequence[Identity], out: Path, trust: Trust
) -> Collected:
    partial = out / f".{transfer.id}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with delivery.package(records, transfer) as package:
            _check_proof(_proof(records, transfer), package, transfer, trust.log)
            opened = open_package(package, identities, partial, trust.sender)
        if opened.manifest is None or opened.manifest.statement.transfer != transfer.id:
            raise PackageRefused("other-transfer")
        delivery.hand_out(records, transfer, identifiers.new("collected", records.random))
        partial.rename(out / transfer.id)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Collected(transfer, out / transfer.id, opened)


def _proof(records: Records, transfer: Transfer) -> str:
    try:
        return delivery.proof(records, transfer).decode()
    except Unavailable as error:
        if error.code != "object-missing":
            raise
        raise Unverified("proof-missing", "the package has no proof beside it", "ask the clinic for it") from None
    except UnicodeDecodeError:
        raise Unverified("proof-malformed", "the text is no proof file", "fetch the proof file again") from None


def _check_proof(text: str, package: Object, transfer: Transfer, key: VerifyKey) -> None:
    """Raise `Unverified` unless the log says that exactly these bytes were released for this transfer."""
    entry = Entry.parse(verify_proof(text, [key]).leaf)
    digest = hashlib.sha256()
    for offset in range(0, package.size, _CHUNK):
        digest.update(package.read(offset, _CHUNK))
    stated = entry.package.sha256 if entry.package is not None else None
    if entry.event is not Event.RELEASED or entry.transfer != transfer.id or stated != digest.hexdigest():
        raise Unverified("proof-of-another", "the proof is of another package", "ask the clinic to publish again")
