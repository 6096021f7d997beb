"""Tell what an object is, from the head of its data set."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.dicom.elements import UNDEFINED, Source, end_of, skipped
from pipelines.dicom.envelope import opened
from pipelines.reader import Reader
from pipelines.text import Charset, charset

_CHARSET, _SOP_CLASS, _SOP_INSTANCE = 0x00080005, 0x00080016, 0x00080018
_IMAGE_TYPE, _MODALITY, _SERIES_DESCRIPTION = 0x00080008, 0x00080060, 0x0008103E
_BODY_PART, _VIEW_POSITION = 0x00180015, 0x00185101
_STUDY, _SERIES, _NUMBER = 0x0020000D, 0x0020000E, 0x00200013
_WANTED = frozenset(
    {
        *(_CHARSET, _SOP_CLASS, _SOP_INSTANCE, _IMAGE_TYPE, _MODALITY, _SERIES_DESCRIPTION),
        *(_BODY_PART, _VIEW_POSITION, _STUDY, _SERIES, _NUMBER),
    }
)
_LAST, _LONGEST = _NUMBER, 1 << 12


@dataclass(frozen=True, slots=True)
class Header:
    """What a survey needs of an object, in the source's own values; empty where it has none."""

    sop_class: str
    sop_instance: str
    study: str
    series: str
    modality: str
    image_type: tuple[str, ...]
    body_part: str
    view_position: str
    series_description: str
    instance_number: int
    charset: Charset


def describe(source: Reader) -> Header:
    """Return the header of an object, reading no further than InstanceNumber (0020,0013)."""
    values, envelope = _values(source)
    declared = charset(values.get(_CHARSET, b"").decode("latin-1")) or Charset()

    def text(tag: int, otherwise: str = "") -> str:
        found = declared.decode(values.get(tag, b"")) or ""
        return found.strip(" \0") or otherwise

    number = text(_NUMBER)
    return Header(
        sop_class=text(_SOP_CLASS, envelope[0]),
        sop_instance=text(_SOP_INSTANCE, envelope[1]),
        study=text(_STUDY),
        series=text(_SERIES),
        modality=text(_MODALITY),
        image_type=tuple(part.strip() for part in text(_IMAGE_TYPE).split("\\") if part.strip()),
        body_part=text(_BODY_PART),
        view_position=text(_VIEW_POSITION),
        series_description=text(_SERIES_DESCRIPTION),
        instance_number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
        charset=declared,
    )


def _values(reader: Reader) -> tuple[dict[int, bytes], tuple[str, str]]:
    envelope, reader = opened(reader)
    source, at, values = Source(reader), envelope.start, dict[int, bytes]()
    encoding = source.encoding_at(at, envelope.encoding)
    while source.size - at >= 8:
        element = source.element(at, encoding)
        if element.tag > _LAST or not element.tag:
            break
        if element.tag in _WANTED and element.length <= _LONGEST and element.length != UNDEFINED:
            end_of(element, source.size)
            values.setdefault(element.tag, source.read(element.start, element.length))
        at = skipped(source, element, encoding, source.size, 0)
    return values, (envelope.sop_class, envelope.sop_instance)
