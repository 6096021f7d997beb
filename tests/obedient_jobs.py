"""The three jobs of cleaning, doing what the bytes of the source tell them; loaded by a fork server.

A source is `WORD` or `WORD:SERIES` and a line end; the instance is what stands behind the line.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping

from pipelines.errors import Undecodable
from pipelines.kinds import Kind
from pipelines.reader import Reader, Slice, through
from pipelines.report import Action, Finding
from pipelines.roles import Role
from pipelines.segments import Literal, Range, Segment
from pipelines.terms import Term, TermKind
from worker.sandbox.link import Job, Link
from worker.sandbox.wire import decode, encode
from worker.scans import Answer, CleanRequest, Found, Placed, Searched, SearchRequest, SurveyRequest


def survey(request: bytes, link: Link) -> None:
    for index, source in enumerate(decode(SurveyRequest, request).sources):
        word, series, body = _told(link.reader(index, source.size))
        if word == "crash-survey":
            ctypes.string_at(0)
        layers = (Slice(body, source.size),)
        problem = "unknown-format" if word == "unknown" else None
        size = source.size - body
        placed = Placed(99, (1,), layers, Kind.STL, size, Role.UPPER, series or None, 0, problem)
        term = Term(source.name, TermKind.NAME)
        link.output(encode(Found, Found(99, (placed,), (), frozenset((term,)))))


def clean(request: bytes, link: Link) -> None:
    asked = decode(CleanRequest, request)
    for part in asked.parts:
        reader = link.reader(part.source, asked.sizes[part.source])
        word, _, _ = _told(reader)
        if word == "crash":
            ctypes.string_at(0)
        if word == "slow":
            time.sleep(30)
        if word == "undecodable":
            raise Undecodable("stl-truncated", "header")
        size = through(reader, part.layers).size
        for answer in _answers(word, size):
            link.output(encode(Answer, answer))


def search(request: bytes, link: Link) -> None:
    for index, size in enumerate(decode(SearchRequest, request).sizes):
        data = link.reader(index, size).read(0, size)
        if b"named" in data:
            raise Undecodable("identity-found", "body")
        if b"mute" not in data:
            link.output(encode(Searched, Searched(index)))


def _answers(word: str, size: int) -> list[Answer]:
    segments: dict[str, tuple[Segment, ...]] = {
        "beyond": (Range(0, size + 1),),
        "before": (Range(-5, size),),
        "backwards": (Range(3, 2),),
        "outside": (Range(0, 1, (Slice(0, size + 1),)),),
    }
    whole = (Literal(b"clean "), Range(0, size))
    answer = Answer(segments.get(word, whole), (Finding("header", Action.Z),), ".stl")
    return [answer] * {"silent": 0, "talkative": 3}.get(word, 1)


def _told(reader: Reader) -> tuple[str, str, int]:
    """Return the word, the series and where the instance begins."""
    line = reader.read(0, 100).partition(b"\n")[0]
    word, _, series = line.decode().partition(":")
    return word, series, len(line) + 1


JOBS: Mapping[str, Job] = {"survey": survey, "clean": clean, "search": search}
