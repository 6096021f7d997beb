"""If any one rule of Table E.1-1 did not do its work, the search has to hold the transfer.

The engine cleans an object in which every attribute of the table holds a term; then one attribute comes
back as it was, as if its rule were switched off, and the independent search reads the result.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from importlib.resources import files

import pytest
from dicom_objects import as_file, cleaned, context, ct, read
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from pipelines.kinds import Kind
from pipelines.leaks import search
from pipelines.reader import BytesReader
from pipelines.terms import Term, TermKind

WORD, NUMBER, DAY, UID = "Xylanderquist", "77120459", "19910713", "1.2.276.0.7230010.3.1.2.77120459.5"
TERMS = frozenset(
    {
        Term(WORD.casefold(), TermKind.NAME),
        Term(NUMBER, TermKind.ID),
        Term(DAY, TermKind.BIRTH_DATE),
        Term(UID, TermKind.UID),
    }
)
VALUES = {
    **dict.fromkeys(("LO", "PN", "LT", "ST", "UT", "UC", "UR", "SH", "AE"), WORD),
    "CS": NUMBER,
    "DS": NUMBER,
    "IS": NUMBER,
    "DA": DAY,
    "DT": DAY + "101500",
    "UI": UID,
    "OB": WORD.encode() + b" ",
    "OW": WORD.encode() + b" ",
    "UN": WORD.encode() + b" ",
}
# The command group and the file meta are no part of a data set; the engine writes or refuses these itself.
ELSEWHERE = {0x00001000, 0x00001001, 0x00020003, 0x00420011}


def rows() -> list[int]:
    """Every plain tag of the table whose value can hold a term."""
    table = files("pipelines").joinpath("standard", "ps3.15-table-e1-1.csv").read_text(encoding="utf-8")
    tags = []
    for row in csv.DictReader(io.StringIO(table)):
        text = row["tag"].strip("()").replace(",", "")
        if all(sign in "0123456789ABCDEFabcdef" for sign in text) and int(text, 16) not in ELSEWHERE:
            tags.append(int(text, 16))
    return [tag for tag in tags if known_vr(tag) == "SQ" or known_vr(tag) in VALUES]


def known_vr(tag: int) -> str:
    """The attribute's VR; those of the table that pydicom's dictionary does not know yet hold text."""
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return "LO"


def planted(tag: int) -> Dataset:
    """A CT slice in which one attribute holds a term."""
    ds = ct()
    vr = known_vr(tag)
    if vr == "SQ":
        item = Dataset()
        item.CodeMeaning = WORD
        ds.add_new(Tag(tag), "SQ", Sequence([item]))
    else:
        ds.add_new(Tag(tag), vr, VALUES[vr])
    return ds


def is_clean(data: bytes) -> bool:
    """Whether the search, told only what the engine itself writes nowhere, finds nothing."""
    return not search(BytesReader(data), Kind.DICOM, TERMS)


def test_the_table_is_there() -> None:
    assert len(rows()) > 500


@pytest.mark.parametrize("profile", ["basic", "aligner"])
def test_any_one_rule_left_out_is_found(profile: str) -> None:
    how = replace(context(profile), terms=TERMS)
    missed, left = [], []
    for tag in rows():
        source = planted(tag)
        clean = read(cleaned(as_file(source), how))
        if not is_clean(as_file(clean)):
            left.append(f"{tag:08X}")
        clean[Tag(tag)] = planted(tag)[Tag(tag)]
        if is_clean(as_file(clean)):
            missed.append(f"{tag:08X}")
    assert left == []
    assert missed == []
