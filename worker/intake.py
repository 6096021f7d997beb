"""Accept a case whole or not at all: seal every upload, enrol the subject, record the transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from keys.client import Enrolment, KeyClient, KeysError, KeysUnavailable, NamedTransfer, Subject
from worker import cases, identifiers, ledger, orders, recipients
from worker.database import transaction
from worker.entries import of_transfer
from worker.errors import Unavailable, Unusable
from worker.incoming import receive, receive_order
from worker.model import CaseId, Item, Recipient, State, Transfer, TransferId
from worker.records import Event
from worker.sealing import Recipient as SealingRecipient
from worker.settings import Settings
from worker.store import Store

MAX_ITEMS = 20_000


@dataclass(frozen=True, slots=True)
class Upload:
    """One file a clinic hands in: its name (sealed, never stored in the clear) and its bytes."""

    name: str
    chunks: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Reception:
    """What the portal zone holds: the incoming public key and the *enrol* credential, no secret key."""

    settings: Settings
    engine: Engine
    incoming: Store
    key: SealingRecipient
    keys: KeyClient
    now: Callable[[], datetime]
    random: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The case that was accepted, with its transfers."""

    case: CaseId
    transfers: tuple[TransferId, ...]


def accept(reception: Reception, order: bytes, to: Sequence[str], uploads: Iterable[Upload]) -> Accepted:
    """Keep the case for every recipient, or raise and keep nothing.

    The order is checked before a byte of the scans is read. The subject is enrolled before the
    transaction that makes the case exist: a death in between leaves an enrolment that expires and
    sealed objects that the sweep deletes.
    """
    parsed = orders.parse(order)
    chosen = _recipients(reception, parsed, to)
    case = CaseId(identifiers.new("case", reception.random))
    try:
        items, sealed = _seal(reception, case, parsed, uploads)
        planned = [_transfer(reception, case, parsed, recipient, items) for recipient in chosen]
        _enrol(reception.keys, case, parsed.patient, planned)
    except BaseException:
        for one in reception.incoming.list(case):
            reception.incoming.delete(one.key)
        raise
    # From here on the sweep decides by what the database says: a commit may succeed and still raise.
    with transaction(reception.engine) as connection:
        cases.create(connection, case, sealed, items, planned)
        for transfer, recipient in zip(planned, chosen, strict=True):
            clinic, at = reception.settings.clinic, transfer.created_at
            entry = of_transfer(Event.RECEIVED, f"received:{transfer.id}", at, clinic, recipient, transfer)
            ledger.append(connection, entry, None)
    return Accepted(case, tuple(transfer.id for transfer in planned))


def _recipients(reception: Reception, order: orders.Order, to: Sequence[str]) -> list[Recipient]:
    if to and order.recipients and set(to) != set(order.recipients):
        raise Unusable("recipients-differ", "the order names other recipients than --to", "make them the same")
    chosen = dict.fromkeys(to or order.recipients)
    if not chosen:
        raise Unusable("recipient-missing", "no recipient is named", "give --to or put recipients in the order")
    with transaction(reception.engine) as connection:
        return [recipients.known(connection, name) for name in chosen]


def _seal(
    reception: Reception, case: CaseId, order: orders.Order, uploads: Iterable[Upload]
) -> tuple[list[Item], cases.SealedOrder]:
    items: list[Item] = []
    names: list[str] = []
    for ordinal, upload in enumerate(uploads, start=1):
        if ordinal > MAX_ITEMS:
            raise Unusable("case-too-large", f"a case has more than {MAX_ITEMS} files", "hand in series as zips")
        items.append(receive(reception.incoming, reception.key, case, ordinal, upload.chunks))
        names.append(upload.name)
    if not items:
        raise Unusable("case-empty", "the case has no scan", "name the files or folders to send")
    content = orders.CaseFile(order, tuple(names)).to_json()
    return items, receive_order(reception.incoming, reception.key, case, content)


def _transfer(
    reception: Reception, case: CaseId, order: orders.Order, recipient: Recipient, items: Sequence[Item]
) -> Transfer:
    now = reception.now()
    return Transfer(
        id=TransferId(identifiers.new("transfer", reception.random)),
        case=case,
        recipient=recipient.id,
        state=State.RECEIVED,
        purpose=order.purpose,
        items=len(items),
        size=sum(item.size for item in items),
        created_at=now,
        expires_at=now + timedelta(days=reception.settings.transfers.expire_days),
        attempt=0,
        commitment=None,
        object=None,
        package_sha256=None,
        package_size=None,
        profile=None,
        profile_digest=None,
        entry=None,
    )


def _enrol(keys: KeyClient, case: CaseId, patient: orders.Patient, planned: Sequence[Transfer]) -> None:
    subject = Subject(
        issuer=patient.issuer or "",
        patient_id=patient.id,
        family_name=patient.family_name,
        given_name=patient.given_name,
        birth_date=patient.birth_date.isoformat(),
        sex=patient.sex,
        phone=patient.phone,
        email=patient.email,
        address=patient.address,
        citizenship=patient.citizenship,
        residence=patient.residence,
    )
    named = tuple(NamedTransfer(t.id, t.recipient, t.expires_at) for t in planned)
    try:
        keys.enrol(Enrolment(case, subject, named))
    except KeysUnavailable as error:
        raise Unavailable(error.code, "the key service does not answer", "run `pseudodont-keys serve`") from None
    except KeysError as error:
        raise Unusable(error.code, "the key service refuses the order", "see docs/errors.md") from None
