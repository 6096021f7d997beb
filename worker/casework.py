"""From sealed uploads to the members of a package: everything a worker does to one case for one recipient."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from keys.client import Assignment
from pipelines.cleaned import Context
from pipelines.errors import PipelineError
from pipelines.harvest import terms_of_order
from pipelines.kinds import Kind
from pipelines.leaks import search
from pipelines.profile import Profile
from pipelines.reader import BytesReader
from pipelines.replacement import Replacement
from pipelines.roles import Unnamed, neutral_names
from pipelines.terms import Terms
from worker.cleaning import Cleaner
from worker.errors import Held
from worker.model import Hold
from worker.orders import Order
from worker.package.writing import Member
from worker.records import Category
from worker.scans import CleanedFile, CleanedScan, HeldScan, Scan, Source, case_terms, scans


@dataclass(frozen=True, slots=True)
class Material:
    """What is known of a case when its cleaning begins; `excluded` are scans a person took out."""

    order: Order = field(repr=False)
    sources: Sequence[Source] = field(repr=False)
    excluded: frozenset[str]
    pixels_checked: bool


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may leave: the files under neutral names, the prescription, and their count by category."""

    members: tuple[Member, ...]
    prescription: bytes
    categories: tuple[Category, ...]


def clean_case(cleaner: Cleaner, material: Material, assignment: Assignment, profile: Profile) -> Cleaned:
    """Return the cleaned case; raises `Held` with every scan that must be kept back, and why."""
    found = cleaner.survey(material.sources)
    wanted = [scan for scan in scans(found) if not _is_excluded(scan, material.excluded)]
    if not wanted:
        raise Held("no-scan", "no scan is left to send", "submit the case again with its scans")
    terms = case_terms(order_terms(material.order), found)
    context = Context(
        Replacement(assignment.pseudonym, assignment.uid_key, assignment.date_shift_days),
        profile,
        terms,
        material.pixels_checked,
    )
    outcomes = list(cleaner.clean(wanted, material.sources, context))
    prescription = prescription_of(material.order)
    holds = [_hold(outcome) for outcome in outcomes if isinstance(outcome, HeldScan)]
    if search(BytesReader(_written_by_hand(material.order)), Kind.UNKNOWN, terms):
        holds.append(Hold("identity-in-prescription"))
    if holds:
        raise Held(holds[0].code, "the case is held", "see `pseudodont held`", tuple(holds))
    cleaned = [outcome for outcome in outcomes if isinstance(outcome, CleanedScan)]
    return Cleaned(members(cleaned), prescription, _categories(cleaned))


def order_terms(order: Order) -> Terms:
    """Return what an order says about its subject, as terms no output may hold."""
    patient = order.patient
    return terms_of_order(
        patient.id,
        patient.family_name,
        patient.given_name,
        patient.birth_date.strftime("%Y%m%d"),
        issuer=patient.issuer or "",
        phone=patient.phone or "",
        email=patient.email or "",
        address=patient.address or "",
    )


def _written_by_hand(order: Order) -> bytes:
    """Return what of the prescription is no word of a closed list: somebody may be called Upper."""
    notes = order.prescription.notes if order.prescription is not None else None
    return f"{order.purpose}\n{notes or ''}".encode()


def members(cleaned: Sequence[CleanedScan]) -> tuple[Member, ...]:
    """Return the files of `cleaned` under names that say what they show and nothing else."""
    files = [(scan.scan.scan_id, file) for scan in cleaned for file in scan.files]
    names = neutral_names([Unnamed(f.instance.role, f.suffix, f.instance.series, f.instance.order) for _, f in files])
    return tuple(
        Member(name, file.instance.role.value, file.instance.kind.value, partial(_chunks, scan, file))
        for name, (scan, file) in zip(names, files, strict=True)
    )


def _chunks(scan: str, file: CleanedFile) -> Iterator[bytes]:
    """Yield a file's bytes; a source may turn out to be damaged only where its ranges are read."""
    try:
        yield from file.chunks()
    except PipelineError as damaged:
        hold = Hold(damaged.code, scan, damaged.where)
        raise Held(damaged.code, "a scan is damaged", "take it out, or replace it", (hold,)) from None


def prescription_of(order: Order) -> bytes:
    """Return what is to be made, without a word about the subject but what a person wrote into the notes."""
    content = {} if order.prescription is None else order.prescription.model_dump(mode="json", exclude_none=True)
    stated = {"purpose": order.purpose, **content}
    return json.dumps(stated, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def _is_excluded(scan: Scan, excluded: frozenset[str]) -> bool:
    return belongs(scan.scan_id, excluded)


def belongs(scan: str, named: Collection[str]) -> bool:
    """Return whether `named` holds the scan, or an archive it came in: `3` takes out `3.17`."""
    parts = scan.split(".")
    return any(".".join(parts[: depth + 1]) in named for depth in range(len(parts)))


def _hold(held: HeldScan) -> Hold:
    place = held.where if held.instance == held.scan.scan_id else f"{held.instance} {held.where}".strip()
    return Hold(held.code, held.scan.scan_id, place)


def _categories(cleaned: Sequence[CleanedScan]) -> tuple[Category, ...]:
    counts = Counter((scan.scan.kind.value, scan.scan.role.value) for scan in cleaned)
    return tuple(Category(kind, role, count) for (kind, role), count in sorted(counts.items()))
