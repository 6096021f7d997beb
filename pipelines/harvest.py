"""Collect a case's identifiers: from the order, and from the headers that come in."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from importlib.resources import files

from pipelines import identifiers
from pipelines.errors import PipelineError
from pipelines.kinds import Kind
from pipelines.outlines import exif_values, fields_of_picture
from pipelines.places import Field, fields_of_dicom, implied_vr
from pipelines.reader import Reader
from pipelines.readings import texts
from pipelines.terms import Term, TermKind, Terms, tag_of
from pipelines.unpack import inflated

_LONGEST_VALUE = 1 << 12
_LONGEST_PART = 1 << 16
_MOST_TERMS = 20_000

Collect = Callable[[str], Terms]

_XP_AUTHOR = 0x9C9D
_NAMES_IN_PICTURES = re.compile(rb"(patient|author|artist|owner|name|creator)[\w ]*", re.IGNORECASE)


def terms_of_order(
    patient_id: str,
    family_name: str,
    given_name: str,
    birth_date: str,
    *,
    issuer: str = "",
    phone: str = "",
    email: str = "",
    address: str = "",
) -> Terms:
    """Return what an order says about its patient; empty fields say nothing."""
    return (
        identifiers.of_name(f"{family_name}^{given_name}")
        | identifiers.of_id(patient_id)
        | identifiers.of_institution(issuer)
        | identifiers.of_date(birth_date, TermKind.BIRTH_DATE)
        | identifiers.of_phone(phone)
        | identifiers.of_email(email)
        | identifiers.of_address(address)
    )


def harvest(source: Reader, kind: Kind) -> Terms:
    """Return what the header of an incoming scan says about persons, devices and places.

    A damaged header gives what could be read of it: whether the scan may go on is not decided here.
    """
    terms: set[Term] = set()
    with suppress(PipelineError):
        for found in _told(source, kind):
            terms |= found
            if len(terms) > _MOST_TERMS:
                break
    return frozenset(terms)


def _told(source: Reader, kind: Kind) -> Iterator[Terms]:
    if kind is Kind.DICOM:
        return _of_dicom(inflated(source))
    if kind is Kind.IMAGE:
        return _of_picture(source)
    return iter(())


def _of_dicom(reader: Reader) -> Iterator[Terms]:
    for value in fields_of_dicom(reader):
        collect = _collector(value)
        if collect is None or not 0 < value.stop - value.start <= _LONGEST_VALUE:
            continue
        raw = reader.read(value.start, value.stop - value.start)
        for text in texts(raw, value.charset):
            for component in text.split("\\"):
                yield _collected(collect, component)


@lru_cache(maxsize=1 << 12)
def _collected(collect: Collect, text: str) -> Terms:
    """The slices of a series say the same again and again."""
    return collect(text)


def _collector(value: Field) -> Collect | None:
    if value.payload or isinstance(value.place, str):
        return None
    listed = _by_tag()
    if value.place in listed:
        return listed[value.place]
    return _BY_VR.get(implied_vr(value.place) if value.vr == "UN" else value.vr)


def _birth_date(text: str) -> Terms:
    return identifiers.of_date(text, TermKind.BIRTH_DATE)


def _date(text: str) -> Terms:
    return identifiers.of_date(text, TermKind.DATE)


_BY_VR: Mapping[str, Collect] = {
    "DA": _date,
    "DT": _date,
    "PN": identifiers.of_name,
    "UI": identifiers.of_uid,
}

_BY_WORD: Mapping[str, Collect | None] = {
    "address": identifiers.of_address,
    "birth-date": _birth_date,
    "id": identifiers.of_id,
    "institution": identifiers.of_institution,
    "minor-id": identifiers.of_minor_id,
    "none": None,
    "phone": identifiers.of_phone,
    "serial": identifiers.of_serial,
}


@cache
def _by_tag() -> Mapping[int, Collect | None]:
    table = (files("pipelines") / "standard" / "identifying-attributes.csv").read_text("utf-8")
    return {tag_of(row["tag"]): _BY_WORD[row["identifies"]] for row in csv.DictReader(table.splitlines())}


def _of_picture(source: Reader) -> Iterator[Terms]:
    for part in fields_of_picture(source):
        if part.payload or part.vr != "UT" or part.stop - part.start > _LONGEST_PART:
            continue
        data = source.read(part.start, part.stop - part.start)
        marker = data[:6]
        if marker == b"Exif\0\0" or marker[:4] == b"eXIf":
            for tag, value in exif_values(data[6:] if marker[:1] == b"E" else data[4:]):
                yield _of_exif(tag, value)
        elif marker[:4] == b"tEXt":
            key, _, value = data[4:-4].partition(b"\0")
            if _NAMES_IN_PICTURES.fullmatch(key):
                yield identifiers.of_name(texts(value)[0])


_BY_EXIF: Mapping[int, Collect] = {
    **dict.fromkeys((0x013B, 0xA430, _XP_AUTHOR), identifiers.of_name),  # Artist, CameraOwnerName
    **dict.fromkeys((0xA431, 0xA435), identifiers.of_serial),  # BodySerialNumber, LensSerialNumber
    **dict.fromkeys((0x0132, 0x9003, 0x9004), _date),
}


def _of_exif(tag: int, value: bytes) -> Terms:
    collect = _BY_EXIF.get(tag)
    if collect is None:
        return frozenset()
    text = value.decode("utf-16-le", "ignore") if tag == _XP_AUTHOR else texts(value)[0]
    return collect(text.strip(" \0"))
