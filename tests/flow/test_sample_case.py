"""The synthetic cases, from a clinic's folder to a lab's: nothing held, nobody named, nothing lost."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import trimesh
from installations import Clinic, installed, worker_of
from numpy.typing import NDArray
from PIL import Image
from sample_cases import only, sample, slices
from stl import mesh as numpy_stl

from samples.case import PATIENTS, SampleCase
from samples.identities import VISIT
from worker.actors import performer
from worker.intake import Upload, accept
from worker.model import State
from worker.places import files_below

FILMS = {
    "panoramic.dcm": "_panoramic.dcm",
    "cephalometric.dcm": "_cephalometric.dcm",
    "bitewing.dcm": "_bitewing.dcm",
    "intraoral-xray.dcm": "_periapical.dcm",
}
MESHES = {"upper.stl": "_UpperJaw.stl", "lower.stl": "_LowerJaw.stl", "bite.stl": "_Bite.stl"}
_SHORTEST = 5


@dataclass(frozen=True, slots=True)
class Arrived:
    """A case at the clinic, and the folder in which the lab found it."""

    case: SampleCase
    folder: Path
    files: dict[str, Path]
    pseudonym: str


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with installed(tmp_path_factory.mktemp("samples")) as made:
        yield made


@pytest.fixture(scope="module")
def arrivals(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Arrived]:
    """Every sample case, submitted, worked, collected."""
    out = tmp_path_factory.mktemp("lab")
    numbers = {_submit(clinic, sample(number)): number for number in range(1, PATIENTS + 1)}
    with worker_of(clinic) as services:
        for name in clinic.transfers():
            performer(services)(name.id)
    held = {one.id: one.state for one in clinic.transfers() if one.state is not State.PUBLISHED}
    assert not held
    arrived: dict[int, Arrived] = {}
    for one in clinic.collect("lab-a", out):
        assert one.opened.manifest is not None
        files = {path.relative_to(one.folder).as_posix(): path for path in _files(one.folder)}
        number = numbers[one.transfer.case]
        arrived[number] = Arrived(sample(number), one.folder, files, one.opened.manifest.statement.pseudonym)
    return arrived


def _submit(clinic: Clinic, case: SampleCase) -> str:
    uploads = [Upload(name, [file.read_bytes()]) for file, name in files_below(case.scans)]
    return accept(clinic.reception(), case.order.read_bytes(), ["lab-a"], uploads).case


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(params=range(1, PATIENTS + 1))
def arrived(request: pytest.FixtureRequest, arrivals: dict[int, Arrived]) -> Arrived:
    found: Arrived = arrivals[request.param]
    return found


def test_every_scan_arrives_under_the_name_of_what_it_shows(arrived: Arrived) -> None:
    volume = {f"cbct/{number:04d}.dcm" for number in range(1, len(slices(arrived.case)) + 1)}
    documents = {"README.txt", "manifest.json", "manifest.dsse.json", "prescription.json"}
    assert arrived.files.keys() == {*FILMS, *MESHES, "photo.jpg", *volume, *documents}


def test_no_planted_word_is_left_in_any_byte(arrived: Arrived) -> None:
    identity = arrived.case.identity
    # The day of the visit may be a day of ours, and what is shorter than five bytes chance writes into pixels.
    words = [word for word in identity.words() if VISIT not in (_digits(word), _digits(word)[4:] + _digits(word)[:4])]
    codecs = ("utf-8", "utf-16-le", "utf-16-be", identity.codec)
    encoded = {word.encode(codec, "ignore").lower() for word in words for codec in codecs}
    needles = {needle for needle in encoded if len(needle) >= _SHORTEST}
    sources = b"".join(path.read_bytes().lower() for path in arrived.case.files)
    assert sum(needle in sources for needle in needles) > 20
    for name, path in arrived.files.items():
        data = path.read_bytes().lower()
        assert not [needle for needle in needles if needle in data], name


def _digits(word: str) -> str:
    return "".join(sign for sign in word if sign.isdigit())


def test_the_identity_in_every_header_is_the_pseudonym(arrived: Arrived) -> None:
    for path in (arrived.files[name] for name in (*FILMS, "cbct/0001.dcm")):
        data = pydicom.dcmread(path)
        assert data.PatientID == str(data.PatientName) == arrived.pseudonym
        assert not [element for element in data.iterall() if element.tag.is_private]


def _pixels(path: Path) -> NDArray[Any]:
    found: NDArray[Any] = pydicom.dcmread(path).pixel_array
    return found


@pytest.mark.parametrize("name", FILMS)
def test_a_radiograph_keeps_every_pixel(name: str, arrived: Arrived) -> None:
    before = only(arrived.case, FILMS[name])
    assert pydicom.dcmread(arrived.files[name]).PixelData == pydicom.dcmread(before).PixelData
    assert np.array_equal(_pixels(arrived.files[name]), _pixels(before))


def test_the_volume_keeps_its_slices_their_order_and_its_unity(arrived: Arrived) -> None:
    before = sorted((pydicom.dcmread(path) for path in slices(arrived.case)), key=lambda one: int(one.InstanceNumber))
    after = [pydicom.dcmread(path) for name, path in sorted(arrived.files.items()) if name.startswith("cbct/")]
    assert [one.PixelData for one in after] == [one.PixelData for one in before]
    assert [one.ImagePositionPatient for one in after] == [one.ImagePositionPatient for one in before]
    assert len({one.SeriesInstanceUID for one in after}) == 1
    assert len({one.SOPInstanceUID for one in after}) == len(after)
    assert not {one.SOPInstanceUID for one in after} & {one.SOPInstanceUID for one in before}
    study = {pydicom.dcmread(arrived.files[name], stop_before_pixels=True).StudyInstanceUID for name in FILMS}
    assert study == {one.StudyInstanceUID for one in after}


@pytest.mark.parametrize("name", MESHES)
def test_a_surface_keeps_every_corner_for_every_reader(name: str, arrived: Arrived) -> None:
    corners = numpy_stl.Mesh.from_file(str(only(arrived.case, MESHES[name]))).vectors
    after = arrived.files[name]
    assert np.array_equal(numpy_stl.Mesh.from_file(str(after)).vectors, corners)
    mesh = trimesh.load_mesh(io.BytesIO(after.read_bytes()), file_type="stl")
    assert np.array_equal(mesh.triangles.astype(np.float32), corners)


def test_the_photograph_keeps_every_pixel_and_nothing_else(arrived: Arrived) -> None:
    before = next(path for path in arrived.case.files if path.suffix == ".jpg")
    with Image.open(before) as old, Image.open(arrived.files["photo.jpg"]) as new:
        assert old.getexif()
        assert not new.getexif()
        assert not new.info.keys() & {"exif", "xmp", "comment", "photoshop"}
        assert np.array_equal(np.asarray(new), np.asarray(old))


def test_two_patients_never_share_a_pseudonym_or_a_study(arrivals: dict[int, Arrived]) -> None:
    assert len({one.pseudonym for one in arrivals.values()}) == PATIENTS
    studies = {pydicom.dcmread(one.files["panoramic.dcm"]).StudyInstanceUID for one in arrivals.values()}
    assert len(studies) == PATIENTS


def test_the_ledger_counts_what_left_by_category(clinic: Clinic, arrivals: dict[int, Arrived]) -> None:
    released = [entry for entry in clinic.entries() if entry.event == "released"]
    assert len(released) == len(arrivals)
    for entry in released:
        counted = {(one.kind, one.role): one.count for one in entry.categories}
        assert counted[("dicom", "cbct")] == 1
        assert {role for _, role in counted} >= {"panoramic", "cephalometric", "upper", "lower", "bite", "photo"}
    assert clinic.verdict().holds
