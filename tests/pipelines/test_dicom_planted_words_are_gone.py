"""A word planted in every place where a DICOM file can hold text is nowhere afterwards."""

from __future__ import annotations

import dicom_objects as objects
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from pipelines.dicom import clean
from pipelines.reader import BytesReader

WORD = "Zyxwvut"
EXPLICIT = "1.2.840.10008.1.2.1"


def planted() -> Dataset:
    """An object with the word in listed, unlisted, private, nested and misused attributes."""
    ds, item, inner = objects.ct(), Dataset(), Dataset()
    ds.PatientName, ds.PatientComments, ds.StudyDescription = f"{WORD}^Eman", WORD, f"PX {WORD}"
    ds.FilterType, ds.Manufacturer, ds.SoftwareVersions = WORD.upper(), f"{WORD} Inc", ["1.0", WORD]
    ds.ImageType = ["ORIGINAL", "PRIMARY", WORD.upper()]
    ds.KVP, ds.CodingSchemeURL, ds.SecondaryReviewerName = "90", f"http://{WORD}", WORD
    ds.DetectorDescription, ds.ImageFilterDescription = WORD, WORD
    ds.add_new(0x60003000, "OW", WORD.encode() + b"\0")
    ds.add_new(0x60000022, "LO", WORD)
    ds.add_new(0x00189999, "LO", WORD)
    ds.add_new(0x00281201, "OW", WORD.encode() + b"\0")
    ds.add_new(0xFFFCFFFC, "OB", WORD.encode() + b"\0")
    ds.private_block(0x0009, WORD, create=True).add_new(1, "UN", WORD.encode() + b"\0")
    inner.CodeMeaning, inner.CodeValue = f"tooth of {WORD}", "T1"
    item.PatientName, item.RequestedProcedureDescription = WORD, WORD
    item.AnatomicRegionModifierSequence = Sequence([inner])
    ds.AnatomicRegionSequence = Sequence([item])
    ds.RequestAttributesSequence = Sequence([item])
    ds.IconImageSequence = Sequence([item])
    return ds


@pytest.mark.parametrize("profile", ["basic", "aligner"])
@pytest.mark.parametrize(
    "syntax", [EXPLICIT, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_a_planted_word_is_nowhere_in_the_output_or_the_report(profile: str, syntax: str) -> None:
    data = objects.as_file(planted(), syntax, preamble=WORD.encode().ljust(128, b"\0"))
    how = objects.context(profile, words=(WORD,))
    result = clean(BytesReader(data), how)
    out = objects.output(data, result)
    for place in (out, repr(result.findings).encode()):
        assert WORD.casefold().encode() not in place.lower()
    assert b"ROOMPLANTED" not in out


def test_bytes_behind_the_last_element_go() -> None:
    data = objects.as_file(objects.ct())
    assert objects.cleaned(data + bytes(512)) == objects.cleaned(data)


def test_a_word_in_a_standard_code_string_leaves_the_other_values() -> None:
    ds = objects.recleaned(planted(), objects.context(words=(WORD,)))
    assert list(ds.ImageType) == ["ORIGINAL", "PRIMARY", ""]
    assert (ds.KVP, ds.Modality) == (90, "CT")


@pytest.mark.parametrize("text", ["praxis-niroloez.example", "e@n.example", "https://n.example/7", "www.n.example"])
def test_an_address_of_mail_or_web_goes_whosever_it_is(text: str) -> None:
    ds = objects.ct()
    ds.SoftwareVersions = ["6.1.2", text]
    assert list(objects.recleaned(ds).SoftwareVersions) == ["6.1.2", "REMOVED"]


@pytest.mark.parametrize("text", ["VB10A.SP1", "6.1.2.rel", "syngo.via", "Planmeca ProMax 3D"])
def test_a_version_is_no_address(text: str) -> None:
    ds = objects.ct()
    ds.SoftwareVersions = text
    assert objects.recleaned(ds).SoftwareVersions == text


def test_a_patient_named_prima_keeps_primary() -> None:
    ds = objects.ct()
    ds.Manufacturer = "Prima"
    cleaned = objects.recleaned(ds, objects.context(words=("Prima",)))
    assert list(cleaned.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert cleaned.Manufacturer == "REMOVED"


def test_numbers_stay_when_the_patient_id_is_short() -> None:
    cleaned = objects.recleaned(objects.ct(), objects.context(words=("16", "4")))
    assert [float(value) for value in cleaned.PixelSpacing] == [0.16, 0.16]


def test_text_where_a_number_belongs_goes() -> None:
    data = objects.as_file(objects.ct()).replace(b"0.16\\0.16 ", b"Zyx\\Wvutsr")
    cleaned = objects.read(objects.cleaned(data))
    assert cleaned.PixelSpacing in (None, "")


def test_the_output_says_who_and_how() -> None:
    cleaned = objects.recleaned(planted())
    assert (cleaned.PatientName, cleaned.PatientID) == (objects.PSEUDONYM, objects.PSEUDONYM)
    assert (cleaned.PatientIdentityRemoved, cleaned.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
    codes = [item.CodeValue for item in cleaned.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113108"]
    tags = [element.tag for element in cleaned]
    assert tags == sorted(tags)


def test_what_an_earlier_tool_claimed_is_replaced() -> None:
    ds = objects.ct()
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "NO", "by hand"
    cleaned = objects.recleaned(ds, objects.context("basic"))
    assert (cleaned.PatientIdentityRemoved, cleaned.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")
    assert "by hand" not in cleaned.DeidentificationMethod
