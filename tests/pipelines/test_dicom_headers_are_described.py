"""The survey learns what an object is without reading its pixels."""

from __future__ import annotations

import dicom_objects as objects
import pytest

from pipelines.dicom import describe
from pipelines.errors import Undecodable
from pipelines.reader import BytesReader


def test_a_header_tells_kind_series_and_place_in_it() -> None:
    ds = objects.ct(17)
    ds.SeriesDescription, ds.ViewPosition, ds.BodyPartExamined = "Größe", "LL", "JAW"
    data = objects.as_file(ds)
    found = describe(BytesReader(data[: data.index(b"\x28\0\x02\0US")]))
    assert (found.sop_class, found.modality, found.instance_number) == (ds.SOPClassUID, "CT", 17)
    assert (found.study, found.series) == (ds.StudyInstanceUID, ds.SeriesInstanceUID)
    assert found.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert (found.series_description, found.view_position, found.body_part) == ("Größe", "LL", "JAW")


def test_what_is_no_dicom_has_no_header() -> None:
    with pytest.raises(Undecodable, match="dicom-not-recognised"):
        describe(BytesReader(b"solid jaw\n" * 40))
