"""`pseudodont clean`: clear files in, clear files out, and a report for the clinic's eyes."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
from command_line import Done, ask, run
from dicom_objects import as_file
from installations import GIVEN, PATIENT, SURNAME, order, surface
from sample_cases import sample
from studies import PLANTED, radiograph

from worker.reasons import reasons

KINDS = {"dicom", "stl", "ply", "obj", "3mf", "image", "pdf", "archive", "unknown"}
ACTIONS = {"X", "Z", "D", "K", "C", "U"}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What one run made of its files."""

    done: Done
    out: Path
    report: dict[str, Any]

    @property
    def files(self) -> dict[str, bytes]:
        """The output, by the path the report names it under."""
        found = sorted(path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in found}


def clean(folder: Path, *words: str | Path, name: str = "out") -> Cleaned:
    """Clean into a new folder below `folder`."""
    report = folder / f"{name}.json"
    done = ask("clean", *words, "--out", folder / name, "--report", report)
    return Cleaned(done, folder / name, json.loads(report.read_text()))


def sources(folder: Path) -> Path:
    """Return a folder of a clinic: a radiograph, two surfaces, one of them below in a zip."""
    scans = folder / f"{SURNAME}, {GIVEN}"
    (scans / "jaws").mkdir(parents=True)
    (scans / "panoramic.dcm").write_bytes(as_file(radiograph()))
    (scans / "jaws" / f"{SURNAME}_upper.stl").write_bytes(surface(9, f"{GIVEN} {SURNAME} {PATIENT}"))
    with zipfile.ZipFile(scans / "more.zip", "w") as archive:
        archive.writestr(f"{SURNAME}_lower.stl", surface(7, SURNAME))
    return scans


def checked(folder: Path) -> tuple[str | Path, ...]:
    """Return the words that give an order whose pictures a person has looked at."""
    (folder / "order.json").write_bytes(order(pixels_checked=True))
    return "--order", folder / "order.json"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """The first sample case, cleaned by a process of its own."""
    folder = tmp_path_factory.mktemp("clean")
    given = ("--order", sample().order, "--out", folder / "out", "--report", folder / "report.json")
    done = run("clean", *sample().scans, *given)
    return Cleaned(done, folder / "out", json.loads((folder / "report.json").read_text()))


def test_every_file_of_the_sample_case_is_cleaned(case: Cleaned) -> None:
    assert case.done.status == 0, case.done.err
    named = {one["source"] for one in case.report["files"]}
    assert named == {str(path) for path in sample().files if path != sample().order}
    assert {one["status"] for one in case.report["files"]} == {"cleaned"}


def test_the_report_has_its_shape(case: Cleaned) -> None:
    assert case.report.keys() == {"files"}
    for one in case.report["files"]:
        assert one.keys() == {"source", "kind", "status", "outputs", "reason", "actions"}
        assert one["kind"] in KINDS
        assert one["reason"] is None
        assert len(one["outputs"]) == 1
        assert one["actions"]
        for action in one["actions"]:
            assert {"where", "action"} <= action.keys() <= {"where", "action", "reason"}
            assert action["action"] in ACTIONS


def test_the_outputs_are_exactly_what_the_report_names(case: Cleaned) -> None:
    named = [output for one in case.report["files"] for output in one["outputs"]]
    assert sorted(named) == sorted(case.files)
    assert {"panoramic.dcm", "cephalometric.dcm", "upper.stl", "lower.stl", "bite.stl", "photo.jpg"} <= set(named)
    assert "cbct/0001.dcm" in named


def test_the_report_names_files_and_no_value_of_any_attribute(case: Cleaned) -> None:
    said = json.dumps([one["actions"] for one in case.report["files"]], ensure_ascii=False).casefold()
    words = [word for word in sample().identity.words() if len(word) >= 5]
    assert not [word for word in words if word.casefold() in said]


def test_no_planted_word_is_left(case: Cleaned) -> None:
    words = [word for word in sample().identity.words() if len(word) >= 5 and not word[0].isdigit()]
    for name, data in case.files.items():
        folded = data.lower()
        found = [w for w in words for codec in ("utf-8", "utf-16-le", "latin-1") if w.lower().encode(codec) in folded]
        assert not found, name


def test_folders_and_zips_are_looked_into(tmp_path: Path) -> None:
    cleaned = clean(tmp_path, sources(tmp_path), *checked(tmp_path))
    assert cleaned.done.status == 0, cleaned.done.err
    assert cleaned.files.keys() == {"panoramic.dcm", "upper.stl", "lower.stl"}
    by_source = {Path(one["source"]).name: one for one in cleaned.report["files"]}
    assert by_source["more.zip"]["kind"] == "archive"
    assert by_source["more.zip"]["outputs"] == ["lower.stl"]
    assert not [word for word in PLANTED for data in cleaned.files.values() if word.encode() in data]


def test_a_damaged_file_is_quarantined_and_the_others_are_cleaned(tmp_path: Path) -> None:
    scans = sources(tmp_path)
    (scans / "jaws" / "lower.stl").write_bytes(surface()[:-9])
    (scans / "notes.xyz").write_bytes(SURNAME.encode())
    cleaned = clean(tmp_path, scans, *checked(tmp_path))
    assert cleaned.done.status == 3
    kept_back = {Path(one["source"]).name: one for one in cleaned.report["files"] if one["status"] == "quarantined"}
    assert {name: one["reason"] for name, one in kept_back.items()} == {
        "lower.stl": "stl-truncated",
        "notes.xyz": "unknown-format",
    }
    assert all(one["outputs"] == [] for one in kept_back.values())
    assert {one["reason"] for one in kept_back.values()} <= reasons().keys()
    assert cleaned.files.keys() == {"panoramic.dcm", "upper.stl", "lower.stl"}


def test_a_picture_nobody_looked_at_is_quarantined(tmp_path: Path) -> None:
    cleaned = clean(tmp_path, sources(tmp_path))
    assert cleaned.done.status == 3
    reason = {Path(one["source"]).name: one["reason"] for one in cleaned.report["files"]}
    assert reason == {"panoramic.dcm": "pixels-unchecked", f"{SURNAME}_upper.stl": None, "more.zip": None}


def test_the_basic_profile_leaves_pixels_to_others_and_takes_dates(tmp_path: Path) -> None:
    cleaned = clean(tmp_path, sources(tmp_path), "--profile", "basic")
    assert cleaned.done.status == 0, cleaned.done.err
    data = pydicom.dcmread(cleaned.out / "panoramic.dcm")
    assert not data.get("StudyDate")
    assert data.PixelData == radiograph().PixelData


def test_with_a_key_a_run_repeats_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "other-key").write_bytes(bytes(range(1, 33)))
    scans, words = sources(tmp_path), checked(tmp_path)
    first = clean(tmp_path, scans, *words, "--key", tmp_path / "key", name="first")
    again = clean(tmp_path, scans, *words, "--key", tmp_path / "key", name="again")
    other = clean(tmp_path, scans, *words, "--key", tmp_path / "other-key", name="other")
    assert first.files == again.files
    assert first.report == again.report
    assert first.files["panoramic.dcm"] != other.files["panoramic.dcm"]


def test_without_a_key_no_run_is_like_another(tmp_path: Path) -> None:
    scans, words = sources(tmp_path), checked(tmp_path)
    names = ("first", "again")
    runs = [pydicom.dcmread(clean(tmp_path, scans, *words, name=n).out / "panoramic.dcm") for n in names]
    assert runs[0].PatientID != runs[1].PatientID
    assert runs[0].StudyInstanceUID != runs[1].StudyInstanceUID


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    scans = sources(tmp_path)
    done = ask("clean", scans, "--out", tmp_path / "out", "--report", tmp_path / "report.json")
    assert done.status == 2
    assert done.err.startswith("out-not-empty: ")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    assert not (tmp_path / "report.json").exists()


def test_the_sources_stay_as_they_are(tmp_path: Path) -> None:
    scans = sources(tmp_path)
    before = {path: path.read_bytes() for path in scans.rglob("*") if path.is_file()}
    clean(tmp_path, scans, *checked(tmp_path))
    assert {path: path.read_bytes() for path in scans.rglob("*") if path.is_file()} == before
