"""Walk through a data set once and write it cleaned, element by element, at every depth.

Nothing is built up: what an element becomes is written before the next one is read, so that memory
does not grow with frames or pixels. Sequences are written with undefined lengths for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.cleaned import Context
from pipelines.dicom.dummies import write_dummy
from pipelines.dicom.elements import (
    IMPLICIT,
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    SEQUENCE_END,
    UNDEFINED,
    Element,
    Encoding,
    Source,
    end_of,
    inside,
    place,
    skipped,
)
from pipelines.dicom.envelope import Envelope, Fragments
from pipelines.dicom.fragments import copy_fragments
from pipelines.dicom.plans import Plan, plans
from pipelines.dicom.seen import Seen
from pipelines.dicom.values import (
    TEXT_VRS,
    Outcome,
    checked,
    dummy,
    moved_dates,
    padded,
    replaced_uids,
)
from pipelines.dicom.writer import Writer, worth_a_range
from pipelines.errors import Undecodable
from pipelines.report import Action
from pipelines.segments import Segment
from pipelines.text import Charset, charset
from pipelines.uids import Uids

PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
SOP_CLASS, SOP_INSTANCE, IMAGE_TYPE, BURNED_IN = 0x00080016, 0x00080018, 0x00080008, 0x00280301
_CHARSET, _DOCUMENT = 0x00080005, 0x00420011
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_REMEMBERED = frozenset({SOP_CLASS, SOP_INSTANCE, IMAGE_TYPE, BURNED_IN})
_PSEUDONYMS = frozenset({PATIENT_NAME, PATIENT_ID})
_LONGEST_TEXT, _LONGEST_REMEMBERED, _LONGEST_PADDING = 1 << 20, 1 << 12, 1 << 16
_SHORTEST_ELEMENT = 8

Added = Mapping[int, bytes]
"""Elements of our own for the root of the data set, encoded, by tag."""


class Walk:
    """One pass over the data set of one object."""

    def __init__(self, source: Source, envelope: Envelope, context: Context, declared: Charset) -> None:
        self._source, self._envelope, self._context = source, envelope, context
        self._plans = plans(context.profile)
        self._uids = Uids(context.replacement.uid_key)
        self._charset = declared
        self._out = self._writer()
        self.seen = Seen()

    def in_order(self, added: Added) -> tuple[Segment, ...]:
        """Return the cleaned data set in the order of the source, `added` where it belongs."""
        waiting = sorted(added)
        for element, encoding, written in self._root():
            while waiting and waiting[0] <= element.tag:
                self._out.raw(added[waiting.pop(0)])
            self._at = self._root_element(element, encoding, written, added)
        for tag in waiting:
            self._out.raw(added[tag])
        return self._out.segments()

    def sorted(self, added: Added) -> tuple[Segment, ...]:
        """Return the cleaned data set in the order of its tags, whatever the source's is."""
        parts: list[tuple[int, tuple[Segment, ...]]] = []
        for tag, data in added.items():
            self._out = self._writer()
            self._out.raw(data)
            parts.append((tag, self._out.segments()))
        for element, encoding, written in self._root():
            self._out = self._writer()
            self._at = self._root_element(element, encoding, written, added)
            parts.append((element.tag, self._out.segments()))
        return tuple(segment for _, part in sorted(parts, key=lambda part: part[0]) for segment in part)

    def _writer(self) -> Writer:
        return Writer(self._envelope.encoding, self._envelope.layers)

    def _root(self) -> Iterator[tuple[Element, Encoding, set[int]]]:
        """Yield the elements of the root; the caller moves `_at` behind each."""
        source, last, written = self._source, 0, set[int]()
        self._at = self._envelope.start
        encoding = source.encoding_at(self._at, self._envelope.encoding)
        while self._at < source.size:
            if source.size - self._at < _SHORTEST_ELEMENT or not any(source.read(self._at, 4)):
                self._padding(self._at)
                return
            element = source.element(self._at, encoding)
            if element.tag < last and element.tag not in written:
                self.seen.disordered = True
            last = max(last, element.tag)
            yield element, encoding, written
        self.seen.charset = self._charset

    def _padding(self, at: int) -> None:
        """Drop zeros after the last element; anything else there is not understood."""
        data = self._source.read(at, min(_LONGEST_PADDING, self._source.size - at))
        if len(data) >= _SHORTEST_ELEMENT and any(data):
            raise Undecodable("dicom-element", place(0))
        self.seen.note("trailing bytes", Action.X)
        self.seen.charset = self._charset

    def _root_element(self, element: Element, encoding: Encoding, written: set[int], added: Added) -> int:
        tag, size = element.tag, self._source.size
        if tag in added:
            self.seen.note(tag, Action.Z if tag in _PSEUDONYMS else Action.D)
            return skipped(self._source, element, encoding, size, 0)
        if tag in _PIXELS and tag not in written:
            written.add(tag)
            return self._pixels(element)
        if tag in _REMEMBERED and element.length <= _LONGEST_REMEMBERED:
            raw = self._source.read(element.start, element.length)
            self.seen.values.setdefault(tag, raw.decode("latin-1").strip(" \0"))
        return self._element(element, encoding, size, 0, written)

    def _pixels(self, element: Element) -> int:
        """Write pixel data as ranges: no bit of a pixel is read or changed."""
        self.seen.pixels = True
        encapsulated = element.length == UNDEFINED
        if encapsulated is (self._envelope.fragments is Fragments.NONE):
            raise Undecodable("dicom-pixel-data", place(element.tag))
        if encapsulated:
            end, blanked = copy_fragments(self._source, element, self._envelope.fragments, self._out)
            if blanked:
                self.seen.note(element.tag, Action.C, "text-segments")
            return end
        end = end_of(element, self._source.size)
        self._range(element, element.vr if element.vr not in ("", "UN") else "OW", end)
        return end

    def _element(self, element: Element, encoding: Encoding, limit: int, depth: int, written: set[int]) -> int:
        """Write what becomes of `element`; return where it ends."""
        tag, plan = element.tag, self._plans.of(element.tag)
        if tag in written or tag >> 16 == 0xFFFE:
            return self._repeated(element, encoding, limit, depth)
        written.add(tag)
        vr = plan.vr if element.vr in ("", "UN") else element.vr
        if not tag & 0xFFFF:
            return self._removed("group lengths", "", element, encoding, limit, depth)
        if plan.action is Action.X:
            where = "private elements" if plan.reason == "private" else tag
            return self._removed(where, plan.reason, element, encoding, limit, depth)
        if tag == _DOCUMENT and element.length:
            raise Undecodable("encapsulated-document", place(tag))
        if _mismatched(vr, plan.vr) or tag in _PIXELS:
            return self._removed(tag, "vr-mismatch", element, encoding, limit, depth)
        if vr == "SQ":
            return self._sequence(element, plan, encoding, limit, depth)
        if element.length == UNDEFINED or _foreign_order(encoding, self._envelope.encoding, vr):
            return self._removed(tag, "vr-mismatch", element, encoding, limit, depth)
        if tag == _CHARSET:
            return self._declare(element, limit)
        return self._value(element, plan, vr, limit)

    def _removed(
        self, where: int | str, reason: str, element: Element, encoding: Encoding, limit: int, depth: int
    ) -> int:
        self.seen.note(where, Action.X, reason)
        return skipped(self._source, element, encoding, limit, depth)

    def _repeated(self, element: Element, encoding: Encoding, limit: int, depth: int) -> int:
        """Drop what is there for the second time; a delimiter where none belongs is damage."""
        if element.tag >> 16 == 0xFFFE:
            raise Undecodable("dicom-sequence", place(element.tag))
        return self._removed(element.tag, "duplicate", element, encoding, limit, depth)

    def _sequence(self, element: Element, plan: Plan, encoding: Encoding, limit: int, depth: int) -> int:
        tag, action = element.tag, plan.action
        if not element.length:
            self._out.element(tag, "SQ", b"")
            return element.start
        if action in (Action.Z, Action.D):
            self.seen.note(tag, action, plan.reason)
            if action is Action.D:
                write_dummy(self._out, tag)
            else:
                self._out.element(tag, "SQ", b"")
            return skipped(self._source, element, encoding, limit, depth)
        if depth >= MAX_DEPTH:
            raise Undecodable("dicom-depth", place(tag))
        end = None if element.length == UNDEFINED else end_of(element, limit)
        self._out.open_sequence(tag)
        at = self._items(element, end, encoding, limit if end is None else end, depth)
        self._out.close_sequence()
        return at

    def _items(self, element: Element, end: int | None, encoding: Encoding, limit: int, depth: int) -> int:
        at, headers = element.start, IMPLICIT if element.vr == "UN" else encoding
        while end is None or at < end:
            item = self._source.element(at, headers)
            if item.tag == SEQUENCE_END:
                at = item.start
                if end is None:
                    break
                continue
            if item.tag != ITEM:
                raise Undecodable("dicom-sequence", place(element.tag))
            stop = None if item.length == UNDEFINED else end_of(item, limit)
            inner = inside(self._source, item.start, element.vr, encoding)
            around = self._charset
            self._out.open_item()
            at = self._item(item.start, stop, inner, limit if stop is None else stop, depth + 1)
            self._out.close_item()
            self._charset = around
        return at

    def _item(self, at: int, end: int | None, encoding: Encoding, limit: int, depth: int) -> int:
        written = set[int]()
        while end is None or at < end:
            element = self._source.element(at, encoding)
            if end is None and element.tag == ITEM_END:
                return element.start
            at = self._element(element, encoding, limit, depth, written)
        return at

    def _declare(self, element: Element, limit: int) -> int:
        """Keep SpecificCharacterSet (0008,0005), spelled as the standard spells it."""
        end = end_of(element, limit)
        raw = self._source.read(element.start, min(element.length, _LONGEST_REMEMBERED))
        declared = raw.decode("latin-1").rstrip(" \0")
        known = charset(declared)
        self._charset = known or Charset()
        mended = "\\".join(self._charset.terms)
        if mended != declared:
            self.seen.note(element.tag, Action.C, "charset-spelling" if known else "charset-unknown")
        self._out.element(element.tag, "CS", padded(mended, "CS"))
        return end

    def _value(self, element: Element, plan: Plan, vr: str, limit: int) -> int:
        tag, end = element.tag, end_of(element, limit)
        if tag in _PSEUDONYMS:
            self._out.element(tag, plan.vr, padded(self._context.replacement.pseudonym, plan.vr))
            self.seen.note(tag, Action.Z)
        elif not element.length:
            self._out.element(tag, vr, b"")
        elif plan.action is Action.Z or (plan.action is Action.D and plan.vr != "UI"):
            self._out.element(tag, plan.vr, dummy(plan.vr) if plan.action is Action.D else b"")
            self.seen.note(tag, plan.action, plan.reason)
        elif vr not in TEXT_VRS and worth_a_range(element.length):
            self._range(element, vr, end)
        else:
            outcome = self._outcome(element, plan, vr)
            self._out.element(tag, vr, outcome.value)
            if outcome.action is not None:
                self.seen.note(tag, outcome.action, outcome.reason)
        return end

    def _outcome(self, element: Element, plan: Plan, vr: str) -> Outcome:
        if element.length > _LONGEST_TEXT:
            return Outcome(b"", Action.C, "text-too-long")
        raw = self._source.read(element.start, element.length)
        if plan.action is Action.C:
            return moved_dates(raw, plan.vr, self._context.replacement.date_shift_days)
        if plan.action is Action.U or "UI" in (vr, plan.vr):
            return replaced_uids(raw, self._uids, plan.action in (Action.U, Action.D))
        return checked(raw, vr, element.tag, self._context.terms, self._charset)

    def _range(self, element: Element, vr: str, end: int) -> None:
        odd = element.length & 1
        self._out.header(element.tag, vr, element.length + odd)
        self._out.range(element.start, end)
        self._out.raw(bytes(odd))


def _mismatched(vr: str, expected: str) -> bool:
    """Whether a value is of another nature than its attribute: it cannot mean what it should."""
    if "SQ" in (vr, expected):
        return vr != expected
    return (vr in TEXT_VRS) != (expected in TEXT_VRS) and vr not in ("DS", "IS")


def _foreign_order(encoding: Encoding, out: Encoding, vr: str) -> bool:
    """Whether numbers are in the other byte order than the output's: UN inside big endian is little."""
    return encoding.little != out.little and vr not in TEXT_VRS
