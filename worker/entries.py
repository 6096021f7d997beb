"""The ledger entries of the worker: who, where to, what, on which stated basis, and never about whom."""

from __future__ import annotations

from datetime import UTC, date, datetime

from worker.model import Basis, Recipient, Transfer
from worker.records import (
    Category,
    Entry,
    Event,
    Exporter,
    Importer,
    Method,
    Package,
    Pseudonymised,
    StatedBasis,
)
from worker.sealing import is_post_quantum
from worker.settings import Clinic


def of_transfer(
    event: Event,
    event_id: str,
    at: datetime,
    clinic: Clinic,
    recipient: Recipient,
    transfer: Transfer,
    *,
    codes: tuple[str, ...] = (),
    categories: tuple[Category, ...] = (),
    reason: str | None = None,
    without: tuple[str, ...] = (),
) -> Entry:
    """Return the entry of an event with every fact that the transfer's row knows by then."""
    return Entry(
        event=event,
        event_id=event_id,
        at=at.astimezone(UTC),
        exporter=_exporter(clinic),
        transfer=transfer.id,
        case=transfer.case,
        recipient=_importer(recipient),
        source=clinic.country,
        destination=recipient.country,
        purpose=transfer.purpose,
        items=transfer.items,
        size=transfer.size,
        basis=_basis(recipient.basis),
        method=_method(recipient) if transfer.package_sha256 else None,
        pseudonymised=_pseudonymised(transfer),
        package=_package(transfer),
        subject_commitment=transfer.commitment,
        expires=transfer.expires_at.astimezone(UTC),
        attempt=transfer.attempt or None,
        codes=tuple(sorted(set(codes))),
        categories=tuple(sorted(categories)),
        reason=reason,
        without=tuple(sorted(set(without))),
    )


def of_recipient(event: Event, event_id: str, at: datetime, clinic: Clinic, recipient: Recipient) -> Entry:
    """Return the entry that a recipient was added or revoked."""
    return Entry(
        event=event,
        event_id=event_id,
        at=at.astimezone(UTC),
        exporter=_exporter(clinic),
        recipient=_importer(recipient),
        basis=_basis(recipient.basis),
    )


def _exporter(clinic: Clinic) -> Exporter:
    return Exporter(clinic.name, clinic.country)


def _importer(recipient: Recipient) -> Importer:
    return Importer(recipient.id, recipient.name, recipient.country, recipient.role, recipient.fingerprint)


def _basis(basis: Basis | None) -> StatedBasis | None:
    if basis is None:
        return None
    until = None if basis.valid_until is None else date.fromisoformat(basis.valid_until)
    return StatedBasis(basis.mechanism, basis.document_sha256, basis.assessment, until)


def _method(recipient: Recipient) -> Method:
    return Method.HYBRID if is_post_quantum(recipient.key) else Method.CLASSIC


def _pseudonymised(transfer: Transfer) -> Pseudonymised | None:
    if transfer.profile is None or transfer.profile_digest is None:
        return None
    return Pseudonymised(transfer.profile, transfer.profile_digest)


def _package(transfer: Transfer) -> Package | None:
    if transfer.package_sha256 is None or transfer.package_size is None:
        return None
    return Package(transfer.package_sha256, transfer.package_size)
