"""De-identify clear files into clear files, for whoever asks for that alone (`pseudodont clean`).

One run is about one subject: it has one pseudonym, one UID key, one shift of dates.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipelines.cleaned import Context
from pipelines.profile import Profile, UnknownProfile, profile_named
from pipelines.replacement import Replacement
from pipelines.report import Finding
from pipelines.roles import Unnamed, neutral_names
from worker import orders
from worker.casework import order_terms
from worker.cleaning import Cleaner
from worker.errors import Unusable
from worker.places import files_below, replace_file
from worker.scans import CleanedFile, CleanedScan, Found, HeldScan, Scan, Source, case_terms, scans

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SHIFTS = 3285


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asks for; without `order` only the files' own headers say what to look for."""

    profile: str
    retain: tuple[str, ...]
    clean: tuple[str, ...]
    order: Path | None
    key: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file that was named; `reason` is the code of its quarantine."""

    source: str
    kind: str
    outputs: tuple[str, ...]
    reason: str | None
    findings: tuple[Finding, ...]


def clean_files(paths: Sequence[Path], out: Path, report: Path, wish: Wish) -> list[Outcome]:
    """Write what could be cleaned into `out`, and a report of everything; return what became of each file.

    Raises `Unusable` before anything is written when the wish or a path cannot be used.
    """
    profile = _profile(wish)
    order = None if wish.order is None else orders.parse(wish.order.read_bytes())
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Unusable("out-not-empty", "the output is not an empty folder", "name a new folder with --out")
    files = [file for file, _ in files_below(paths, but=wish.order)]
    if not files:
        raise Unusable("case-empty", "there is no file to clean", "name files, folders or zips")
    sources = [Source(number, str(file), _FileReader(file)) for number, file in enumerate(files, start=1)]
    with Cleaner() as cleaner:
        found = cleaner.survey(sources)
        terms = case_terms(frozenset() if order is None else order_terms(order), found)
        checked = order is not None and order.pixels_checked
        context = Context(_replacement(wish.key), profile, terms, checked)
        outcomes = list(_each(cleaner, scans(found), sources, context))
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = _write(outcomes, out)
    results = [_outcome(str(file), one, outcomes, written) for file, one in zip(files, found, strict=True)]
    replace_file(report, _report(results))
    return results


def _each(
    cleaner: Cleaner, whole: Sequence[Scan], sources: Sequence[Source], context: Context
) -> Iterator[CleanedScan | HeldScan]:
    """Clean every scan; of a series with a file that must be kept back, the other files by themselves."""
    for outcome in cleaner.clean(whole, sources, context):
        instances = outcome.scan.instances
        if isinstance(outcome, HeldScan) and len(instances) > 1:
            yield from cleaner.clean([Scan(i.id, i.role, i.kind, (i,)) for i in instances], sources, context)
        else:
            yield outcome


class _FileReader:
    """A file that is open only while it is read: a case may have more files than a process may open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as file:
            self._size = os.fstat(file.fileno()).st_size

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        with self._open() as file:
            return os.pread(file.fileno(), max(0, min(length, self._size - offset)), offset)

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError:
            raise Unusable("file-unreadable", "a file cannot be read", "check its rights") from None


def _profile(wish: Wish) -> Profile:
    try:
        return profile_named(wish.profile, wish.retain, wish.clean)
    except UnknownProfile as error:
        raise Unusable("profile-unknown", str(error), "see docs/profiles.md") from None


def _replacement(key: bytes | None) -> Replacement:
    """Return replacements that repeat with the key, or are never seen again without one."""
    if key is not None and len(key) < 32:
        raise Unusable("key-short", "the key has fewer than 32 bytes", "make one: head -c 32 /dev/urandom > key")
    secret = os.urandom(32) if key is None else hashlib.sha256(key).digest()

    def derived(purpose: str) -> bytes:
        return hmac.digest(secret, purpose.encode(), "sha256")

    letters = "".join(_ALPHABET[byte % 32] for byte in derived("pseudonym")[:15])
    shift = 365 + int.from_bytes(derived("date shift")) % _SHIFTS
    return Replacement("-".join((letters[:5], letters[5:10], letters[10:])), derived("uid key"), -shift)


def _write(outcomes: Iterable[CleanedScan | HeldScan], out: Path) -> dict[str, tuple[str, CleanedFile]]:
    """Write every cleaned file under its neutral name; return names by instance id."""
    files = [file for one in outcomes if isinstance(one, CleanedScan) for file in one.files]
    names = neutral_names([Unnamed(f.instance.role, f.suffix, f.instance.series, f.instance.order) for f in files])
    written: dict[str, tuple[str, CleanedFile]] = {}
    for name, file in zip(names, files, strict=True):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("xb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        partial.rename(path)
        written[file.instance.id] = (name, file)
    return written


def _outcome(
    source: str,
    found: Found,
    outcomes: Iterable[CleanedScan | HeldScan],
    written: dict[str, tuple[str, CleanedFile]],
) -> Outcome:
    ids = [instance.id for instance in found.instances]
    kinds = {instance.kind.value for instance in found.instances}
    done = [written[name] for name in ids if name in written]
    kept_back = {
        instance.id: one.code for one in outcomes if isinstance(one, HeldScan) for instance in one.scan.instances
    }
    reasons = [kept_back[name] for name in ids if name in kept_back]
    findings = (*found.dropped, *(finding for _, file in done for finding in file.findings))
    is_archive = any(instance.member for instance in found.instances) or not found.instances
    return Outcome(
        source=source,
        kind="archive" if is_archive else next(iter(kinds)),
        outputs=tuple(name for name, _ in done),
        reason=reasons[0] if reasons else None if done or found.dropped else "no-scan",
        findings=findings,
    )


def _report(results: Iterable[Outcome]) -> bytes:
    files = [
        {
            "source": one.source,
            "kind": one.kind,
            "status": "cleaned" if one.reason is None else "quarantined",
            "outputs": list(one.outputs),
            "reason": one.reason,
            "actions": list(_actions(one.findings)),
        }
        for one in results
    ]
    return json.dumps({"files": files}, ensure_ascii=False, indent=2).encode() + b"\n"


def _actions(findings: Iterable[Finding]) -> Iterator[dict[str, str]]:
    for finding in findings:
        action = {"where": finding.where, "action": str(finding.action)}
        yield action if not finding.reason else {**action, "reason": finding.reason}
