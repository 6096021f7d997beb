"""UIDs and dates are replaced alike within a case and domain, and otherwise in another."""

from __future__ import annotations

import re
from datetime import date

import dicom_objects as objects
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipelines.dates import kept_time, shifted_date, shifted_datetime
from pipelines.uids import Uids, is_standard


def test_two_slices_share_study_and_series_and_differ_in_instance() -> None:
    first, second = (objects.recleaned(objects.ct(number)) for number in (1, 2))
    assert first.StudyInstanceUID == second.StudyInstanceUID != objects.STUDY
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_another_domain_gives_other_uids() -> None:
    one, other = (objects.recleaned(objects.ct(), objects.context(key=key * 32)) for key in (b"a", b"b"))
    assert one.StudyInstanceUID != other.StudyInstanceUID


def test_a_reference_points_at_what_was_renamed() -> None:
    ds, item = objects.ct(2), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, objects.ct(1).SOPInstanceUID
    ds.ReferencedImageSequence = Sequence([item])
    cleaned, target = objects.recleaned(ds), objects.recleaned(objects.ct(1))
    assert cleaned.ReferencedImageSequence[0].ReferencedSOPInstanceUID == target.SOPInstanceUID
    assert cleaned.ReferencedImageSequence[0].ReferencedSOPClassUID == ds.SOPClassUID
    assert target.file_meta.MediaStorageSOPInstanceUID == target.SOPInstanceUID


def test_a_uid_in_an_attribute_that_no_row_lists_is_replaced_too() -> None:
    ds = objects.ct()
    ds.ContextUID = "1.2.276.0.7230010.3.5"
    assert objects.recleaned(ds).ContextUID.startswith("2.25.")


def test_replacements_are_uuid_derived_and_fit() -> None:
    for number in range(200):
        uid = Uids(b"k" * 32).replaced(str(number))
        value = int(uid.removeprefix("2.25."))
        assert re.fullmatch(r"2\.25\.[1-9][0-9]*", uid)
        assert len(uid) <= 64
        assert (value >> 76 & 15, value >> 62 & 3) == (8, 2)


@pytest.mark.parametrize(
    ("uid", "standard"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True),
        ("1.2.840.10008.1.2.4.100.1", True),
        ("1.2.840.10008.19840229", False),
        ("1.2.840.100081.1", False),
        ("1.2.840.10008.5.1\n", False),
    ],
)
def test_only_short_numbers_under_the_dicom_root_are_standard(uid: str, standard: bool) -> None:
    assert is_standard(uid) is standard


def test_intervals_between_dates_stay() -> None:
    ds = objects.ct()
    ds.SeriesDate, ds.AcquisitionDateTime = "20261002", "20260915101112.5+0100"
    cleaned = objects.recleaned(ds)
    study, series = (date.fromisoformat(str(value)) for value in (cleaned.StudyDate, cleaned.SeriesDate))
    assert (series - study).days == 18
    assert str(cleaned.AcquisitionDateTime) == "20260809101112.5+0100"
    assert (cleaned.StudyTime, cleaned.PatientBirthDate) == ("100912", "")


def test_the_basic_profile_keeps_no_date() -> None:
    ds = objects.recleaned(objects.ct(), objects.context("basic"))
    assert (ds.StudyDate, ds.StudyTime, "PatientAge" in ds) == ("", "", False)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("20260301", "20260228"),
        ("2026.03.01", "20260228"),
        ("20260301-20260302", "20260228-20260301"),
        ("-20260301", "-20260228"),
        ("20260230", None),
        ("", ""),
        ("00010101", None),
        ("Niroloez", None),
    ],
)
def test_dates_move_by_whole_days(text: str, moved: str | None) -> None:
    assert shifted_date(text, -1) == moved


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("20260301235959.999999-0500", "20260228235959.999999-0500"),
        ("202603", "202603"),
        ("2026", "2026"),
        ("2026030112", "2026022812"),
        ("20260301-20260305", "20260228-20260304"),
        ("20261301", None),
        ("yesterday", None),
    ],
)
def test_moments_keep_their_time_fraction_and_zone(text: str, moved: str | None) -> None:
    assert shifted_datetime(text, -1) == moved


@pytest.mark.parametrize(("text", "kept"), [("101112.5", "101112.5"), ("10", "10"), ("10:11", "10:11"), ("x", None)])
def test_times_stay_when_they_are_times(text: str, kept: str | None) -> None:
    assert kept_time(text) == kept
