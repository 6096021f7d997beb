"""The three jobs of a child: say what an upload holds, clean the instances of a scan, search what came out.

Loaded by the fork server before any child exists, so that no child has to open a file.
"""

from __future__ import annotations

import contextlib
import encodings
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from types import ModuleType

import pipelines
from pipelines import deidentify
from pipelines.cleaned import Context
from pipelines.dates import shifted_date
from pipelines.dicom import own_texts
from pipelines.errors import Undecodable
from pipelines.generated import Generated
from pipelines.leaks import search
from pipelines.profile import profile_named
from pipelines.reader import Views
from pipelines.report import Finding
from pipelines.survey import Instance, survey
from pipelines.terms import TermKind, Terms
from pipelines.uids import Uids
from worker.sandbox.link import Job, Link
from worker.sandbox.wire import decode, encode
from worker.scans import Answer, CleanRequest, Found, Placed, Searched, SearchRequest, SurveyRequest


def survey_sources(request: bytes, link: Link) -> None:
    """Tell what each source holds; a term is told once, however many sources say it."""
    told: Terms = frozenset()
    for index, source in enumerate(decode(SurveyRequest, request).sources):
        held = survey(link.reader(index, source.size), source.name)
        terms = Terms().union(*(instance.terms for instance in held.instances))
        placed = tuple(_placed(index, instance) for instance in held.instances)
        link.output(encode(Found, Found(index, placed, held.dropped, terms - told)))
        told |= terms


def _placed(index: int, instance: Instance) -> Placed:
    return Placed(
        index,
        instance.member,
        instance.layers,
        instance.kind,
        instance.size,
        instance.role,
        instance.series,
        instance.order,
        instance.problem,
    )


def clean_scan(request: bytes, link: Link) -> None:
    """Tell each part's cleaned form."""
    asked = decode(CleanRequest, request)
    sources = [Views(link.reader(index, size)) for index, size in enumerate(asked.sizes)]
    findings: tuple[Finding, ...] | None = None
    for part in asked.parts:
        source = sources[part.source].through(part.layers)
        cleaned = deidentify(source, part.kind, asked.context)
        news = None if cleaned.findings == findings else cleaned.findings
        link.output(encode(Answer, Answer(cleaned.segments, news, cleaned.suffix)))
        findings = cleaned.findings


def search_scan(request: bytes, link: Link) -> None:
    """Tell of each output that it holds none of the case's terms, or raise where one does."""
    asked = decode(SearchRequest, request)
    generated = _generated(asked.context)
    for index, (size, kind) in enumerate(zip(asked.sizes, asked.kinds, strict=True)):
        hits = search(link.reader(index, size), kind, asked.context.terms, generated)
        if hits:
            raise Undecodable("identity-found", hits[0].where)
        link.output(encode(Searched, Searched(index)))


def _generated(context: Context) -> Generated:
    """Return what the pipelines write in place of the case's terms: no leak where it stands."""
    uids = Uids(context.replacement.uid_key)
    dates = [term.text for term in context.terms if term.kind in (TermKind.DATE, TermKind.BIRTH_DATE)]
    days = context.replacement.date_shift_days
    moved = [shifted_date(date, days) for date in dates] if context.profile.shifts_dates else []
    return Generated(
        context.replacement.pseudonym,
        frozenset(uids.replaced(term.text) for term in context.terms if term.kind is TermKind.UID),
        frozenset(date for date in moved if date),
        own_texts(context.profile),
    )


JOBS: Mapping[str, Job] = {"survey": survey_sources, "clean": clean_scan, "search": search_scan}


def _load() -> None:
    """A child cannot import, nor read a table on first use: everything is loaded now."""
    for package in (encodings, pipelines):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            # encodings has modules for other systems.
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)
    for profile in ("basic", "aligner"):
        # The digest is over the table's text, which is read for the first profile that asks.
        _ = profile_named(profile).digest
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "pipelines":
            _read_tables(module)


def _read_tables(module: ModuleType) -> None:
    """Call the module's cached functions without parameters: they are its tables."""
    for value in list(vars(module).values()):
        if hasattr(value, "cache_info") and not inspect.signature(value).parameters:
            value()


_load()
