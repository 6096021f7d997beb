from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from sample_cases import films, only, sample

from samples.case import PATIENTS, SampleCase, write_case
from samples.identities import read


def _bytes(case: SampleCase) -> dict[str, bytes]:
    return {path.relative_to(case.folder).as_posix(): path.read_bytes() for path in case.files}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    again = write_case(tmp_path / "again")
    assert _bytes(again) == _bytes(sample())
    assert again.planted == sample().planted


def test_another_seed_makes_other_pictures_of_the_same_person(tmp_path: Path) -> None:
    first, other = sample(), write_case(tmp_path / "other", seed=2)
    assert first.identity == other.identity
    assert _bytes(first).keys() == _bytes(other).keys()
    assert first.order.read_bytes() == other.order.read_bytes()
    for one, two in zip(films(first), films(other), strict=True):
        before, after = pydicom.dcmread(one), pydicom.dcmread(two)
        assert before.StudyInstanceUID != after.StudyInstanceUID
        assert not np.array_equal(before.pixel_array, after.pixel_array)
    assert only(first, "UpperJaw.stl").read_bytes() != only(other, "UpperJaw.stl").read_bytes()


def test_no_two_people_share_a_name_an_id_or_a_machine() -> None:
    people = read()
    assert len(people) == PATIENTS
    assert len({person.charset for person in people}) == PATIENTS
    visit = {"20260914", "2026-09-14", "14.09.2026", "2026:09:14"}
    words = [word for person in people for word in set(person.words()) - visit]
    assert len(words) == len(set(words))


def test_a_case_is_small() -> None:
    assert sum(path.stat().st_size for path in sample().files) < 25_000_000
