"""Cleaning a case: every scan in a process of its own, with limits, and nothing but its own bytes.

A child's answer is checked against what it was given: an output is made of literal bytes and of
ranges of its own instance, whatever the child says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, TypeVar

from pipelines.cleaned import Context
from pipelines.errors import PipelineError
from pipelines.kinds import Kind
from pipelines.reader import Reader, through
from pipelines.report import Finding
from pipelines.roles import Role
from pipelines.segments import Range, Segment, SegmentReader, stream, total_size
from worker.sandbox.channel import Fault
from worker.sandbox.confinement import Limits
from worker.sandbox.forkserver import ForkServer, Stopped
from worker.sandbox.wire import WireFault, decode, encode
from worker.scans import (
    Answer,
    CleanedFile,
    CleanedScan,
    CleanRequest,
    Found,
    HeldScan,
    Listed,
    Part,
    Placed,
    Scan,
    Searched,
    SearchRequest,
    Source,
    SurveyRequest,
)

_T = TypeVar("_T")
_PROTOCOL = Fault("pipeline-fault", "protocol")
_BATCH = 64
"""Sources that one child looks through: enough to make the fork cheap, few enough to share limits."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a child is waited for, in seconds, the time for serving its reads not counted."""

    survey: float = 600.0
    clean: float = 900.0


class Cleaner:
    """Surveys and cleans in child processes. Usable from several threads; `close` ends the processes.

    Both doors raise `ChildDied` when a child was killed from outside, and whatever a source's reader
    raised: neither says anything about a scan. Doing it again gives the same answer.
    """

    def __init__(
        self, limits: Limits | None = None, patience: Patience | None = None, server: ForkServer | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._server = server or ForkServer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No process is left."""
        self._server.close()

    def survey(self, sources: Sequence[Source]) -> tuple[Found, ...]:
        """Return what each source holds; one that its child could not look through is a problem itself."""
        found: list[Found] = []
        while len(found) < len(sources):
            batch = sources[len(found) : len(found) + _BATCH]
            before = len(found)
            fault = self._survey(batch, found)
            # Only a source that a fresh child began with is to blame, not what a batch added up to.
            if fault is not None and len(found) == before:
                found.append(_unsurveyed(batch[0], fault))
        return tuple(found)

    def clean(
        self, scans: Sequence[Scan], sources: Sequence[Source], context: Context
    ) -> Iterator[CleanedScan | HeldScan]:
        """Yield what became of each scan, in order; `context.terms` are in no output of a cleaned one."""
        readers = {source.item: source.reader for source in sources}
        for scan in scans:
            yield self._clean(scan, readers, context)

    def _survey(self, batch: Sequence[Source], found: list[Found]) -> Fault | None:
        """Append what one child finds out about `batch`; return why it did not come to its end."""
        request = SurveyRequest(tuple(Listed(source.name, source.reader.size) for source in batch))
        readers = [source.reader for source in batch]
        try:
            with self._server.child(self._limits, self._patience.survey) as child:
                outputs = child.run("survey", encode(SurveyRequest, request), readers)
                for answer, source in zip(_answers(Found, outputs, len(batch)), batch, strict=True):
                    found.append(_located(answer, source.item))
        except Stopped as stopped:
            return stopped.fault
        return None

    def _clean(self, scan: Scan, readers: Mapping[int, Reader], context: Context) -> CleanedScan | HeldScan:
        for instance in scan.instances:
            if instance.problem is not None:
                return HeldScan(scan, instance.id, instance.problem, instance.where)
        files: list[CleanedFile] = []
        fault, reached = self._files(scan, readers, context, files), len(files)
        if fault is None:
            fault, reached = self._search(files, readers, context)
        if fault is None:
            return CleanedScan(scan, tuple(files))
        instance = scan.instances[min(reached, len(scan.instances) - 1)]
        return HeldScan(scan, instance.id, fault.code, fault.where, fault.needs_person)

    def _files(
        self, scan: Scan, readers: Mapping[int, Reader], context: Context, files: list[CleanedFile]
    ) -> Fault | None:
        """Append the files of `scan` that a child has cleaned; return why it did not clean them all."""
        items = {item: n for n, item in enumerate(sorted({one.item for one in scan.instances}))}
        sources = [readers[item] for item in items]
        parts = tuple(Part(items[instance.item], instance.layers, instance.kind) for instance in scan.instances)
        request = CleanRequest(tuple(source.size for source in sources), parts, context)
        try:
            with self._server.child(self._limits, self._patience.clean) as child:
                outputs = child.run("clean", encode(CleanRequest, request), sources)
                answers = _answers(Answer, outputs, len(parts))
                for answer, instance in zip(answers, scan.instances, strict=True):
                    findings = files[-1].findings if files and answer.findings is None else answer.findings
                    files.append(_file(answer, findings or (), instance, readers[instance.item]))
        except Stopped as stopped:
            return stopped.fault
        return None

    def _search(
        self, files: Sequence[CleanedFile], readers: Mapping[int, Reader], context: Context
    ) -> tuple[Fault | None, int]:
        """Have what a child has cleaned searched by another, which has never seen the scan.

        Returns how many files hold no term, and why the next one was not found to.
        """
        outputs = [SegmentReader(file.segments, readers[file.instance.item]) for file in files]
        kinds = tuple(file.instance.kind for file in files)
        request = SearchRequest(tuple(output.size for output in outputs), kinds, context)
        searched = 0
        try:
            with self._server.child(self._limits, self._patience.clean) as child:
                answers = child.run("search", encode(SearchRequest, request), outputs)
                for _ in _answers(Searched, answers, len(files)):
                    searched += 1
        except Stopped as stopped:
            return stopped.fault, searched
        return None, searched


def _answers(kind: type[_T], outputs: Iterable[bytes], count: int) -> Iterator[_T]:
    """Yield the `count` values that a child told; telling more or fewer, or others, is a fault."""
    told = 0
    for output in outputs:
        told += 1
        if told > count:
            break
        try:
            yield decode(kind, output)
        except WireFault:
            raise Stopped(_PROTOCOL) from None
    if told != count:
        raise Stopped(_PROTOCOL)


def _located(found: Found, item: int) -> Found:
    instances = tuple(replace(instance, item=item) for instance in found.instances)
    return replace(found, item=item, instances=instances)


def _unsurveyed(source: Source, fault: Fault) -> Found:
    size = source.reader.size
    whole = Placed(source.item, (), (), Kind.UNKNOWN, size, Role.SCAN, None, 0, fault.code, fault.where)
    return Found(source.item, (whole,), (), frozenset())


def _file(answer: Answer, findings: tuple[Finding, ...], instance: Placed, reader: Reader) -> CleanedFile:
    segments = tuple(_composed(segment, instance, reader) for segment in answer.segments)
    chunks = partial(stream, segments, reader)
    return CleanedFile(instance, answer.suffix, total_size(segments), chunks, findings, segments)


def _composed(segment: Segment, instance: Placed, reader: Reader) -> Segment:
    """Return `segment`, which a child wrote over its instance, as one over the item."""
    if not isinstance(segment, Range):
        return segment
    layers = instance.layers + segment.layers
    try:
        size = through(reader, layers).size
    except PipelineError:
        raise Stopped(_PROTOCOL) from None
    if not 0 <= segment.start <= segment.stop <= size:
        raise Stopped(_PROTOCOL)
    return Range(segment.start, segment.stop, layers)
