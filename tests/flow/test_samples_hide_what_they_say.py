from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from sample_cases import sample

from samples import photo_file, surface_file
from samples.arches import bite
from samples.case import SampleCase
from samples.dicom_header import DX, Shot, instance
from samples.identities import Identity, Planted, Planter, read

_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")
_PLACES = """
    preamble | file meta/SourceApplicationEntityTitle (0002,0016) | PatientName (0010,0010) | FilterType (0018,1160)
    StudyDescription (0008,1030) | SeriesDescription (0008,103E) | ImageComments (0020,4000)
    RequestAttributesSequence (0040,0275)/RequestedProcedureDescription (0032,1060)
    RequestAttributesSequence (0040,0275)/ScheduledProtocolCodeSequence (0040,0008)/CodeMeaning (0008,0104)
    OtherPatientIDsSequence (0010,1002)/PatientID (0010,0020) | DeviceSerialNumber (0018,1000)
    private (0009,1001) | private (0009,1010)/private (0009,1011) | private (0009,1020) | private (0029,1003)
    OverlayData (6000,3000) | IconImageSequence (0088,0200)/PixelData (7FE0,0010)
    DataSetTrailingPadding (FFFC,FFFC) | header | after the last triangle | solid | endsolid
    EXIF MakerNote | EXIF CameraOwnerName | EXIF GPSAreaInformation | EXIF thumbnail COM | XMP | COM | after EOI
    file name | patient.id | patient.email
"""


def _expected() -> set[str]:
    return {place.strip() for line in _PLACES.splitlines() for place in line.split(" | ") if place.strip()}


def _names(planted: Planted) -> bool:
    return planted.place == "file name"


@pytest.mark.parametrize("patient", [1, 3])
def test_every_word_is_in_the_bytes_of_the_file_it_names(patient: int) -> None:
    case = sample(patient)
    data = {path.relative_to(case.folder).as_posix(): path.read_bytes() for path in case.files}
    for planted in case.planted:
        if _names(planted):
            assert planted.word in planted.path
        elif planted.written is not None:
            assert planted.written in data[planted.path], planted


def test_every_file_of_a_case_names_the_patient() -> None:
    case = sample()
    named = {planted.path for planted in case.planted if not _names(planted)}
    assert named == {path.relative_to(case.folder).as_posix() for path in case.files}


def test_words_hide_in_every_place_that_the_notes_list() -> None:
    assert _expected() - {planted.place for planted in sample().planted} == set()


def _element(dataset: Dataset, place: str) -> list[object]:
    """The values at a place such as `A (gggg,eeee)/B (gggg,eeee)`, of every item."""
    level: list[object] = [dataset]
    for group, element in _TAG.findall(place):
        tag = (int(group, 16), int(element, 16))
        holders = [item for value in level for item in (value if isinstance(value, list) else [value])]
        level = [
            list(item[tag].value) if item[tag].VR == "SQ" else item[tag].value
            for item in holders
            if isinstance(item, Dataset) and tag in item
        ]
    return level


@pytest.mark.parametrize("person", read(), ids=lambda person: person.charset)
def test_dicom_holds_each_word_at_its_element_in_the_declared_characters(person: Identity) -> None:
    planter = Planter(person)
    pixels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    shot = Shot("panoramic", DX, ("x_ray", "panoramic"), pixels, 16, 0.2)
    data = instance(shot, planter, "case", "film.dcm", {})
    dataset = pydicom.dcmread(BytesIO(data))
    assert len(planter.all()) > 80
    for planted in planter.all():
        if planted.place == "preamble":
            assert planted.written is not None
            assert planted.written in data[:128]
            continue
        values = _element(dataset.file_meta if planted.place.startswith("file meta/") else dataset, planted.place)
        assert values, planted.place
        if planted.written is None:
            assert any(set(value) != {0} for value in values if isinstance(value, bytes))
        else:
            texts = [v if isinstance(v, bytes) else str(v) for v in values]
            held = [planted.written in t if isinstance(t, bytes) else planted.word in t for t in texts]
            assert any(held), planted


@pytest.mark.parametrize("person", read(), ids=lambda person: person.charset)
def test_surfaces_and_photographs_hold_each_word_at_its_place(person: Identity) -> None:
    planter, mesh = Planter(person), bite(np.random.default_rng(1))
    binary = surface_file.binary(mesh, planter, "binary")
    text = surface_file.text(mesh, planter, "text")
    photo = photo_file.jpeg(Image.new("RGB", (320, 240), (200, 120, 120)), planter, "photo")
    end, eoi = 84 + 50 * len(mesh.faces), photo.rindex(b"\xff\xd9") + 2
    regions = {
        "header": binary[:80],
        "after the last triangle": binary[end:],
        "solid": text.splitlines()[0],
        "endsolid": text.splitlines()[-1],
        "after EOI": photo[eoi:],
    }
    for planted in planter.all():
        assert planted.written is not None
        assert planted.written in regions.get(planted.place, photo[:eoi]), planted
    assert {planted.path for planted in planter.all()} == {"binary", "text", "photo"}


def test_the_overlay_and_the_icon_show_the_name() -> None:
    case: SampleCase = sample()
    path = next(path for path in case.files if path.name.endswith("_panoramic.dcm"))
    dataset = pydicom.dcmread(path)
    drawn = dataset.overlay_array(0x6000)
    assert drawn.shape == dataset.pixel_array.shape
    assert 500 < int(drawn.sum()) < drawn.size // 50
    assert not drawn[drawn.shape[0] // 8 :].any()


def test_a_case_lies_in_a_folder_named_after_the_patient() -> None:
    case = sample()
    inside: set[Path] = {path.parent for path in case.scans}
    assert [folder.name for folder in inside] == [f"{case.identity.family}, {case.identity.given} 19870317"]
