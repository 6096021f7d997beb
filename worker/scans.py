"""What the cleaning of a case speaks of: what its items hold, its scans, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipelines.cleaned import Context
from pipelines.kinds import Kind
from pipelines.reader import Layers, Reader
from pipelines.report import Finding
from pipelines.roles import Role
from pipelines.segments import Segment
from pipelines.terms import Terms

Chunks = Callable[[], Iterable[bytes]]
"""The bytes of a file from the start, as often as they are asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """One item of a case, readable: its ordinal, its name (looked at for roles only), its bytes."""

    item: int
    name: str = field(repr=False)
    reader: Reader = field(repr=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """One instance and where it lies: an item, the member of each archive on the way, the layers to it."""

    item: int
    member: tuple[int, ...]
    layers: Layers
    kind: Kind
    size: int
    role: Role
    series: str | None
    order: int
    problem: str | None
    where: str = ""
    """The place of the problem, where one is known."""

    @property
    def id(self) -> str:
        """The item's ordinal and those of the members: `3`, `3.17`."""
        return ".".join(str(number) for number in (self.item, *self.member))


@dataclass(frozen=True, slots=True)
class Found:
    """What one item holds, what was dropped from it because it is no scan, whom its headers speak of."""

    item: int
    instances: tuple[Placed, ...]
    dropped: tuple[Finding, ...]
    terms: Terms = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scan:
    """A file, or the files of one DICOM series; its id is that of its first instance."""

    scan_id: str
    role: Role
    kind: Kind
    instances: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class CleanedFile:
    """One instance without identity: what names it, its size, its bytes, what was done."""

    instance: Placed
    suffix: str
    size: int
    chunks: Chunks = field(repr=False, compare=False)
    findings: tuple[Finding, ...]
    segments: tuple[Segment, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CleanedScan:
    """A scan that may leave, one file for each instance in the same order."""

    scan: Scan
    files: tuple[CleanedFile, ...]


@dataclass(frozen=True, slots=True)
class HeldScan:
    """A scan that is kept back: for a code of `reasons.csv`, at a place of one instance.

    Where `needs_person` is false it can only be taken out or replaced, never waved through.
    """

    scan: Scan
    instance: str
    code: str
    where: str = ""
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What a child is told of a source."""

    name: str = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class SurveyRequest:
    """A child answers with one `Found` for each source, in order."""

    sources: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """An instance as a child sees it: the source's index and the way from there."""

    source: int
    layers: Layers
    kind: Kind


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """A child answers with one `Answer` for each part, in order."""

    sizes: tuple[int, ...]
    parts: tuple[Part, ...]
    context: Context = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child made of one part; `findings` are None where they are those of the part before.

    The slices of a volume all have the same, and sending them costs more than finding them.
    """

    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...] | None
    suffix: str


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A child that has cleaned nothing answers with one `Searched` for each output, in order."""

    sizes: tuple[int, ...]
    kinds: tuple[Kind, ...]
    context: Context = field(repr=False)


@dataclass(frozen=True, slots=True)
class Searched:
    """The output with this index holds none of the case's terms."""

    index: int


def scans(found: Iterable[Found]) -> tuple[Scan, ...]:
    """Return the scans of a case, the instances of one series together, in the order of the items."""
    groups: dict[str, list[Placed]] = {}
    instances = (instance for one in found for instance in one.instances)
    for instance in sorted(instances, key=lambda placed: (placed.item, placed.member)):
        groups.setdefault(instance.series or instance.id, []).append(instance)
    return tuple(Scan(group[0].id, group[0].role, group[0].kind, tuple(group)) for group in groups.values())


def case_terms(order: Terms, found: Iterable[Found]) -> Terms:
    """Return what must not be found in any output of the case: the order's terms and all headers'."""
    return order.union(*(one.terms for one in found))
