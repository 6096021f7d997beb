"""Rewrite an ASCII STL surface so that nothing but geometry is left, the facets byte for byte.

Names stand on `solid` and `endsolid` lines, of which there may be several. Between them is a grammar so
small that everything else can be refused: keywords and numbers of bounded length.
"""

from __future__ import annotations

import re

from pipelines.cleaned import Deidentified
from pipelines.errors import Undecodable
from pipelines.reader import Reader
from pipelines.report import Action, Finding
from pipelines.segments import Literal, Range, Segment

_SPACE = rb"[ \t\r\n]{1,80}+"
_NUMBER = (
    rb"[+-]?(?:(?:\d{1,20}(?:\.\d{0,24})?|\.\d{1,24})(?:e[+-]?\d{1,4})?"
    rb"|nan(?:\(ind\))?|inf|\d\.#(?:ind|inf|[qs]nan)0{0,4})"
)
_THREE = _SPACE.join([_NUMBER] * 3)
_FACET = _SPACE.join(
    [rb"facet", rb"normal", _THREE, rb"outer", rb"loop", *[rb"vertex", _THREE] * 3, rb"endloop", rb"endfacet"]
)
_FACETS = re.compile(rb"[ \t\r\n]{0,80}+(?:" + _FACET + _SPACE + rb")*+", re.IGNORECASE)
_SOLID = re.compile(rb"(?:\xef\xbb\xbf)?\s*+solid(?:[ \t][^\r\n]*+)?[\r\n]\s*+", re.IGNORECASE)
_ENDSOLID = re.compile(rb"\s*+endsolid(?:[ \t][^\r\n]*+)?(?:[\r\n]|\Z)\s*+", re.IGNORECASE)
_FACET_LIMIT = 1 << 13
_CHUNK = 1 << 18


def clean(source: Reader) -> Deidentified:
    """Rewrite the names of all solids; what stands between them is facets, checked word by word."""
    text = _Text(source)
    segments: list[Segment] = []
    findings: list[Finding] = []
    while text.match(_SOLID):
        begin = text.at
        count = text.skip_facets()
        stop = text.at
        if not text.match(_ENDSOLID):
            raise Undecodable("stl-ascii-damaged", f"solid {len(findings) + 1}")
        name = b"solid %d\n" % (len(findings) + 1)
        segments += [Literal(name), Range(begin, stop), Literal(b"end" + name)]
        findings.append(Finding(f"solid {len(findings) + 1}, {count} triangles", Action.C, "name-rewritten"))
    if not any(isinstance(segment, Range) and segment.size for segment in segments):
        raise Undecodable("stl-empty")
    if text.at < source.size:
        text.refuse_geometry()
        findings.append(Finding("trailing bytes", Action.X, "outside-the-format"))
    return Deidentified(tuple(segments), tuple(findings), ".stl")


class _Text:
    """A window that moves over the source, so that patterns match across the borders of chunks."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self._window, self._begin, self._done = b"", 0, 0

    @property
    def at(self) -> int:
        return self._begin + self._done

    def match(self, pattern: re.Pattern[bytes]) -> bool:
        """Step over `pattern`, a line and the white space around it, if it is next."""
        self._fill()
        found = pattern.match(self._window, self._done)
        if found is not None:
            self._done = found.end()
        return found is not None

    def skip_facets(self) -> int:
        """Step over all facets that follow and return their number."""
        count = 0
        while True:
            self._fill()
            found = _FACETS.match(self._window, self._done)
            if found is None or found.end() == self._done:
                return count
            count += _count(found.group())
            self._done = found.end()

    def refuse_geometry(self) -> None:
        """Raise `Undecodable` if the rest still speaks of facets: dropping it would lose geometry."""
        while self.at < self._source.size:
            self._fill()
            if re.search(rb"facet|vertex", self._window[self._done :], re.IGNORECASE):
                raise Undecodable("stl-ascii-damaged", "trailing bytes")
            self._done = max(self._done + 1, len(self._window) - 5)

    def _fill(self) -> None:
        """Have a whole facet, or a whole line, in the window unless the source ends."""
        if len(self._window) - self._done >= _FACET_LIMIT:
            return
        self._begin, self._window, self._done = self.at, self._window[self._done :], 0
        self._window += self._source.read(self._begin + len(self._window), _CHUNK)


def _count(facets: bytes) -> int:
    return facets.lower().count(b"endfacet")
