"""What an upload holds: every instance in it, nested archives opened, each recognised by content.

One damaged member does not hide the others: it becomes an instance with a `problem`. What operating
systems leave in archives, and a DICOMDIR, whose records name the patient and whose instances are here
anyway, are dropped and said to be.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipelines.archive import DEPTH, Allowance, Limits, members
from pipelines.errors import PipelineError
from pipelines.kinds import Format, Kind, identify
from pipelines.reader import Layers, Reader, through
from pipelines.report import Action, Finding
from pipelines.roles import Role, role_of_header, role_of_mesh, role_of_picture
from pipelines.terms import Term

_LITTER = re.compile(r"(?:^|/)(?:__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)$", re.IGNORECASE)
_NOTHING = frozenset({Format.EMPTY, Format.UNKNOWN})
_MESHES = frozenset({Kind.STL, Kind.PLY, Kind.OBJ, Kind.THREEMF})
_DICOMDIR = "1.2.840.10008.1.3.10"
_BLOCK, _BLOCKS = 1 << 16, 16


@dataclass(frozen=True, slots=True)
class Instance:
    """One file of an upload: where its bytes are, what it is, and what groups and orders it.

    `member` is the ordinal, from 1, of each archive member on the way, `layers` the same way as layers
    over the upload; `series` is an opaque digest that the instances of one DICOM series share. `problem`
    is the code of the hold when the instance cannot be cleaned, `terms` what its header says about a
    person.
    """

    member: tuple[int, ...]
    layers: Layers
    kind: Kind
    size: int
    role: Role
    series: str | None
    order: int
    terms: frozenset[Term]
    problem: str | None


@dataclass(frozen=True, slots=True)
class Survey:
    """The instances of one upload in member order, and what was dropped because it is no scan."""

    instances: tuple[Instance, ...]
    dropped: tuple[Finding, ...]


def survey(reader: Reader, name: str, limits: Limits | None = None) -> Survey:
    """Return what the upload `reader` holds; `name` is looked at for roles only."""
    allowance = Allowance(reader.size, limits)
    found = tuple(_visit(_Place((), (), name, reader), allowance))
    return Survey(
        tuple(item for item in found if isinstance(item, Instance)),
        tuple(item for item in found if isinstance(item, Finding)),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A file on the way down: `reader` shows its bytes, `path` its names from the upload on."""

    member: tuple[int, ...]
    layers: Layers
    path: str
    reader: Reader


def _visit(place: _Place, allowance: Allowance) -> Iterator[Instance | Finding]:
    try:
        found = identify(place.reader)
        if found in _NOTHING and _LITTER.search(place.path):
            yield _dropped(place, "litter")
        elif found is Format.DICOM:
            yield _dicom(place)
        elif found is Format.ZIP:
            yield from _open(place, allowance)
        else:
            yield _instance(place, found)
    except PipelineError as error:
        yield _unreadable(place, Kind.UNKNOWN, error.code)


def _open(place: _Place, allowance: Allowance) -> Iterator[Instance | Finding]:
    if len(place.member) >= DEPTH:
        yield _unreadable(place, Kind.ARCHIVE, "archive-too-deep")
        return
    try:
        inside = members(place.reader, allowance)
    except PipelineError as error:
        yield _unreadable(place, Kind.ARCHIVE, error.code)
        return
    if all(member.is_folder for member in inside):
        yield _unreadable(place, Kind.ARCHIVE, "archive-empty")
    for ordinal, member in enumerate(inside, 1):
        path, way = f"{place.path}/{member.name}", (*place.member, ordinal)
        below = _Place(way, (*place.layers, *member.layers), path, place.reader)
        if member.is_folder:
            continue
        if member.problem is not None:
            yield replace(_unreadable(below, Kind.UNKNOWN, member.problem), size=member.size)
            continue
        view = _Remembered(through(place.reader, member.layers))
        yield from _visit(replace(below, reader=view), allowance)


def _instance(place: _Place, found: Format) -> Instance:
    base = _unreadable(place, found.kind, found.problem)
    if found.kind in _MESHES:
        return replace(base, role=role_of_mesh(place.path))
    if found.kind is Kind.IMAGE:
        return replace(base, role=role_of_picture(place.path), terms=_terms(place.reader, found.kind))
    return base


def _dicom(place: _Place) -> Instance | Finding:
    from pipelines import dicom

    base = _unreadable(place, Kind.DICOM, None)
    try:
        header = dicom.describe(place.reader)
    except PipelineError as error:
        return replace(base, problem=error.code)
    if header.sop_class == _DICOMDIR:
        return _dropped(place, "dicomdir")
    texts = (header.view_position, header.body_part, header.series_description)
    role = role_of_header(header.sop_class, header.modality, texts)
    named = role_of_picture(place.path)
    if role is Role.SCAN and named is not Role.PHOTO:
        role = named
    return replace(
        base,
        role=role,
        series=_series(header.study, header.series),
        order=header.instance_number,
        terms=_terms(place.reader, Kind.DICOM),
    )


def _terms(reader: Reader, kind: Kind) -> frozenset[Term]:
    from pipelines.harvest import harvest

    return harvest(reader, kind)


def _series(study: str, series: str) -> str | None:
    if not series:
        return None
    return hashlib.sha256(f"{study}\0{series}".encode()).hexdigest()[:32]


def _unreadable(place: _Place, kind: Kind, problem: str | None) -> Instance:
    return Instance(place.member, place.layers, kind, place.reader.size, Role.SCAN, None, 0, frozenset(), problem)


def _dropped(place: _Place, reason: str) -> Finding:
    where = ".".join(str(ordinal) for ordinal in place.member)
    return Finding(f"member {where}" if where else "file", Action.X, reason)


class _Remembered:
    """A reader that keeps the blocks it read last.

    Whoever looks at a header steps back and forth, and each step back in a deflated member that is
    itself in a deflated archive would inflate both again from their heads.
    """

    def __init__(self, below: Reader) -> None:
        self._below = below
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        return self._below.size

    def read(self, offset: int, length: int) -> bytes:
        stop = min(offset + length, self.size)
        first, last = offset // _BLOCK, max(offset, stop - 1) // _BLOCK
        if last - first >= _BLOCKS // 2:
            return self._below.read(offset, length)
        data = b"".join(self._block(index) for index in range(first, last + 1))
        return data[offset - first * _BLOCK : max(offset, stop) - first * _BLOCK]

    def _block(self, index: int) -> bytes:
        if index not in self._blocks:
            if len(self._blocks) >= _BLOCKS:
                self._blocks.popitem(last=False)
            self._blocks[index] = self._below.read(index * _BLOCK, _BLOCK)
        self._blocks.move_to_end(index)
        return self._blocks[index]
