"""The queue's one actor, and the straight line it walks: facts, assignment, clean, seal, release.

A message is a transfer's id and nothing else. Nothing is ever raised to dramatiq: it would put a trace
into the message and try again; the database decides what is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dramatiq

from keys.client import Assignment, KeysError, KeysUnavailable
from worker import attempts, cases, orders
from worker.casework import Cleaned, Material, clean_case
from worker.database import transaction
from worker.delivery import publish, release
from worker.errors import Refused, Unavailable
from worker.incoming import Uploads
from worker.journal import current
from worker.model import Lease, Recipient, Transfer, TransferId
from worker.package.manifest import Addressee, Profile, Sender, Statement
from worker.package.writing import PackageStream, write_package
from worker.scans import Source
from worker.sealing import parse_recipient, seal
from worker.services import Services


@dataclass(frozen=True, slots=True)
class Actors:
    """What messages can ask for."""

    process: dramatiq.Actor[[str], None]


def declare(broker: dramatiq.Broker, queue: str, perform: Callable[[TransferId], None]) -> Actors:
    """Return the actors of `broker`; `perform` is what a message makes a worker do."""

    @dramatiq.actor(broker=broker, queue_name=queue)
    def process(transfer: str) -> None:
        perform(TransferId(transfer))

    return Actors(process)


def performer(services: Services) -> Callable[[TransferId], None]:
    """Return what a worker with these services does for a message; it may be done twice."""
    return lambda transfer: attempts.run(services, transfer, process)


def process(services: Services, lease: Lease) -> None:
    """Bring a leased transfer to its release and publish it."""
    transfer = lease.transfer
    recipient = _recipient(services, transfer)
    assignment = _assignment(services, transfer)
    with Uploads(services.incoming, [services.identity]) as uploads:
        material = _material(services, uploads, transfer)
        cleaned = clean_case(services.cleaner, material, assignment, services.profile)
        package = _package(services, transfer, recipient, assignment, cleaned)
        sealed = seal(package, parse_recipient(recipient.key))
        profile = (services.profile.name, services.profile.digest)
        won = release(services.records, lease, sealed, profile, cleaned.categories)
    if won:
        with transaction(services.records.engine) as connection:
            released, _ = current(connection, transfer.id)
        publish(services.records, released)


def _recipient(services: Services, transfer: Transfer) -> Recipient:
    with transaction(services.records.engine) as connection:
        _, recipient = current(connection, transfer.id)
    if recipient.revoked_at is not None:
        raise Refused("recipient-revoked", f"recipient {recipient.id} is revoked", "send to another recipient")
    return recipient


def _assignment(services: Services, transfer: Transfer) -> Assignment:
    try:
        return services.keys.assignment(transfer.id)
    except KeysUnavailable as error:
        raise Unavailable(error.code, "the key service does not answer", "run `pseudodont-keys serve`") from None
    except KeysError as error:
        raise attempts.refusal(error) from None


def _material(services: Services, uploads: Uploads, transfer: Transfer) -> Material:
    with transaction(services.records.engine) as connection:
        sealed_order = cases.order_of(connection, transfer.case)
        items = cases.items(connection, transfer.case)
        excluded = cases.exclusions(connection, transfer.id)
        looked_at = cases.is_looked_at(connection, transfer.id)
    uploads.check(items)
    case = orders.case_file(uploads.order(sealed_order))
    sources = [Source(item.ordinal, name, uploads.item(item)) for item, name in zip(items, case.names, strict=True)]
    return Material(case.order, sources, excluded, case.order.pixels_checked or looked_at)


def _package(
    services: Services, transfer: Transfer, recipient: Recipient, assignment: Assignment, cleaned: Cleaned
) -> PackageStream:
    clinic = services.records.settings.clinic
    statement = Statement(
        transfer=transfer.id,
        created=services.records.now(),
        sender=Sender(clinic.name, clinic.country),
        recipient=Addressee(recipient.id, recipient.name, recipient.fingerprint),
        pseudonym=assignment.pseudonym,
        purpose=transfer.purpose,
        expires=transfer.expires_at,
        profile=Profile(services.profile.name, services.profile.digest),
    )
    return write_package(statement, cleaned.members, cleaned.prescription, services.manifest_key)
