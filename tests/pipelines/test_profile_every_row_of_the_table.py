"""Every row of PS3.15 Table E.1-1, at the root and nested in listed and unlisted sequences."""

from __future__ import annotations

import csv
import warnings
from functools import cache

import dicom_objects as objects
import pytest
from environment import ROOT
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

WORD = "PLANTED"
UID = "1.2.276.0.7230010.3.9.9"
VALUES: dict[str, object] = {
    "DA": "20260914",
    "DT": "20260914101112",
    "TM": "101112",
    "AS": "042Y",
    "DS": "61.5",
    "IS": "61",
    "UI": UID,
    "US": 61,
    "OB": WORD.encode() + b"\0",
    "UN": WORD.encode() + b"\0",
    "UR": "urn:" + WORD,
}
DATES = ("DA", "DT", "TM")
# What the rows ask for, written down by hand: the first letter that is valid for every type.
COMPOUND = {"X/Z": "Z", "X/D": "D", "Z/D": "D", "X/Z/D": "D", "X/Z/U*": "recursed"}
SEQUENCES = {
    "ReferencedStudySequence": "X",
    "OperatorIdentificationSequence": "X",
    "WaveformAnnotationSequence": "X",
    "ReferencedPerformedProcedureStepSequence": "recursed",
}
KEPT_BY_ALIGNER = {
    *("PatientAge", "PatientSex", "PatientSexNeutered", "PatientSize", "PatientWeight", "PregnancyStatus"),
    *("SmokingStatus", "EthnicGroup", "EthnicGroupCodeSequence", "SelectorASValue"),
}


def rows() -> list[dict[str, str]]:
    table = ROOT / "pipelines" / "standard" / "ps3.15-table-e1-1.csv"
    return list(csv.DictReader(table.read_text("utf-8").splitlines()))


def tag_of(row: dict[str, str]) -> int | None:
    digits = row["tag"].strip("()").replace(",", "").replace("xx", "02")
    return int(digits, 16) if len(digits) == 8 and set(digits) <= set("0123456789ABCDEF") else None


def vr_of(tag: int) -> str:
    return {"OB or OW": "OB"}.get(vr := dictionary_VR(tag), vr) if dictionary_has_tag(tag) else "LO"


def value_of(vr: str) -> object:
    if vr == "SQ":
        item = Dataset()
        item.CodeMeaning = WORD
        return Sequence([item])
    return VALUES.get(vr, WORD)


# Commands and file meta are not part of a data set, and a packed document holds the whole scan.
TESTED = [row for row in rows() if (tag_of(row) or 0) >> 16 > 2 and row["keyword"] != "EncapsulatedDocument"]
PLACES = ("root", "AnatomicRegionSequence", "ReferencedImageSequence")


@cache
def everything(profile: str, place: str) -> Dataset:
    """Every attribute of the table in one object at `place`, cleaned."""
    ds, full = objects.ct(), Dataset()
    for tag in filter(None, map(tag_of, TESTED)):
        vr = vr_of(tag)
        if place == "ReferencedImageSequence" and tag == 0x00081140:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            full[tag] = DataElement(tag, vr, value_of(vr))
    if place == "root":
        for element in ds:
            if element.tag not in full:
                full[element.tag] = element
        return objects.recleaned(full, objects.context(profile))
    setattr(ds, place, Sequence([full]))
    cleaned = objects.recleaned(ds, objects.context(profile))
    inner = getattr(cleaned, place)[0]
    assert isinstance(inner, Dataset)
    return inner


def expected(row: dict[str, str], profile: str) -> str:
    if profile == "aligner" and (row["keyword"] in KEPT_BY_ALIGNER or row["retain_patient_characteristics"] == "K"):
        return "K"
    if profile == "aligner" and row["retain_longitudinal_modified_dates"] == "C" and vr_of(tag_of(row) or 0) in DATES:
        return "C"
    return SEQUENCES.get(row["keyword"]) or COMPOUND.get(row["basic_profile"], row["basic_profile"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("profile", ["basic", "aligner"])
def test_every_row_of_the_table_is_applied(profile: str, place: str) -> None:
    inner, wrong = everything(profile, place), []
    for row in TESTED:
        tag = tag_of(row)
        assert tag is not None
        if place == "ReferencedImageSequence" and tag == 0x00081140:
            continue
        if not holds(inner, tag, expected(row, profile)):
            wrong.append((row["tag"], row["keyword"], expected(row, profile), str(inner.get(tag))))
    assert wrong == []


def holds(ds: Dataset, tag: int, action: str) -> bool:
    if action == "X" or not dictionary_has_tag(tag):
        return tag not in ds
    if tag not in ds:
        return False
    element, vr = ds[tag], vr_of(tag)
    if tag in (0x00100010, 0x00100020):
        return str(element.value) == objects.PSEUDONYM
    original = DataElement(tag, vr, value_of(vr)).value
    if action == "Z":
        return element.is_empty
    if action == "K":
        return vr == "SQ" or element.value == original
    if action == "U" or (action == "D" and vr == "UI"):
        return str(element.value).startswith("2.25.")
    if action == "C":
        return bool(element.value) and (vr == "TM" or element.value != original)
    if action == "recursed":
        return len(element.value) == 1
    return not element.is_empty and element.value != original


def test_the_table_has_657_rows() -> None:
    assert len(rows()) == 657


@pytest.mark.parametrize("group", [0x5000, 0x501E, 0x50FE, 0x6000, 0x6002, 0x60FE])
def test_every_group_of_curves_and_overlays_goes_whole(group: int) -> None:
    ds = objects.ct()
    for number, vr, value in ((0x0010, "US", 4), (0x3000, "OW", b"PLANTED\0"), (0x4000, "LT", WORD)):
        ds.add_new((group << 16) | number, vr, value)
    cleaned = objects.recleaned(ds)
    assert not [element for element in cleaned if element.tag.group == group]


def test_private_elements_go_at_every_depth_whoever_made_them() -> None:
    ds, item = objects.ct(), Dataset()
    for target, group in ((ds, 0x0009), (ds, 0x0013), (item, 0x0029)):
        block = target.private_block(group, "DOBCO Medical Systems", create=True)
        block.add_new(0x01, "LO", WORD)
        block.add_new(0x02, "SQ", Sequence([Dataset()]))
    ds.AnatomicRegionSequence = Sequence([item])
    cleaned = objects.recleaned(ds)
    assert not [element for element in cleaned.iterall() if element.tag.is_private]


def test_a_listed_attribute_without_a_value_stays_without_one() -> None:
    ds = objects.ct()
    ds.AccessionNumber = ""
    ds.ContentDate = ""
    cleaned = objects.recleaned(ds, objects.context("basic"))
    assert (cleaned.AccessionNumber, cleaned.ContentDate) == ("", "")
