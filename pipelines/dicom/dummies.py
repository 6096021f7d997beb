"""Dummy items for sequences that the table replaces by a dummy value (PS3.15 Table E.1-1a, D)."""

from __future__ import annotations

from pipelines.dicom.values import dummy
from pipelines.dicom.writer import Writer

_CODE = ((0x00080100, "SH", b"REMOVED "), (0x00080102, "SH", b"99PSEUDO"), (0x00080104, "LO", b"REMOVED "))
_COMMENT = ((0x00080100, "SH", b"121106"), (0x00080102, "SH", b"DCM "), (0x00080104, "LO", b"Comment "))


def write_dummy(out: Writer, tag: int) -> None:
    """Write the sequence `tag` with one item that is valid there and says nothing."""
    out.open_sequence(tag)
    out.open_item()
    _ITEMS.get(tag, _code_item)(out)
    out.close_item()
    out.close_sequence()


def write_code_item(out: Writer, value: str, scheme: str, meaning: str) -> None:
    """Write one item of a code sequence (PS3.3 Table 8.8-1a)."""
    out.open_item()
    for tag, vr, text in ((0x00080100, "SH", value), (0x00080102, "SH", scheme), (0x00080104, "LO", meaning)):
        data = text.encode("ascii")
        out.element(tag, vr, data + b" " if len(data) & 1 else data)
    out.close_item()


def _code_item(out: Writer) -> None:
    for tag, vr, value in _CODE:
        out.element(tag, vr, value)


def _content(out: Writer) -> None:
    """A comment without a text, as any structured report may contain (PS3.3 C.17.3)."""
    out.element(0x0040A010, "CS", b"CONTAINS")
    out.element(0x0040A040, "CS", b"TEXT")
    out.open_sequence(0x0040A043)
    out.open_item()
    for tag, vr, value in _COMMENT:
        out.element(tag, vr, value)
    out.close_item()
    out.close_sequence()
    out.element(0x0040A160, "UT", dummy("UT"))


def _observer(out: Writer) -> None:
    out.element(0x0040A027, "LO", dummy("LO"))
    out.element(0x0040A030, "DT", dummy("DT"))
    out.element(0x0040A075, "PN", dummy("PN"))
    out.element(0x0040A088, "SQ", b"")


def _graphics(out: Writer) -> None:
    out.element(0x00700002, "CS", dummy("CS"))


def _flow(out: Writer) -> None:
    out.element(0x00340002, "OB", dummy("OB"))


_ITEMS = {
    0x0040A730: _content,
    0x0040A073: _observer,
    0x00700001: _graphics,
    0x00340001: _flow,
}
