from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import trimesh
from environment import tool
from PIL import ExifTags, Image
from sample_cases import films, only, sample, slices
from stl import mesh as numpy_stl

from samples.identities import Identity, Planter, read
from samples.order import order
from worker import orders


@pytest.mark.parametrize(
    ("ending", "modality", "shape", "bits"),
    [
        ("_panoramic.dcm", "PX", (720, 1400), 16),
        ("_cephalometric.dcm", "DX", (1280, 1180), 16),
        ("_bitewing.dcm", "IO", (620, 820), 12),
        ("_periapical.dcm", "IO", (820, 620), 12),
    ],
)
def test_pydicom_reads_the_films(ending: str, modality: str, shape: tuple[int, int], bits: int) -> None:
    dataset = pydicom.dcmread(only(sample(), ending))
    assert dataset.Modality == modality
    assert dataset.pixel_array.shape == shape
    assert dataset.BitsStored == bits
    assert int(dataset.pixel_array.max()) < 1 << bits


def test_the_cbct_is_one_series_of_evenly_spaced_slices() -> None:
    series = [pydicom.dcmread(path) for path in slices(sample())]
    assert len(series) == 48
    assert len({s.SOPInstanceUID for s in series}) == 48
    for shared in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({s[shared].value for s in series}) == 1
    heights = [float(s.ImagePositionPatient[2]) for s in series]
    assert np.allclose(np.diff(heights), float(series[0].SliceThickness))
    assert all(s.pixel_array.dtype == np.int16 and s.pixel_array.shape == (160, 160) for s in series)


def test_all_instances_of_a_case_are_of_one_study_and_one_patient() -> None:
    every = [pydicom.dcmread(path, stop_before_pixels=True) for path in (*films(sample()), *slices(sample()))]
    assert len({s.StudyInstanceUID for s in every}) == 1
    assert len({s.PatientID for s in every}) == 1
    assert len({s.SeriesInstanceUID for s in every}) == 5


@pytest.mark.parametrize("patient", [1, 3])
def test_dciodvfy_finds_no_error(patient: int) -> None:
    program = tool("dciodvfy")
    for path in (*films(sample(patient)), slices(sample(patient))[0]):
        said = subprocess.run([program, path], capture_output=True, timeout=60, check=False)
        lines = (said.stdout + said.stderr).decode(errors="replace").splitlines()
        assert [line for line in lines if line.startswith("Error")] == []


@pytest.mark.parametrize("name", ["UpperJaw", "LowerJaw", "Bite"])
def test_a_surface_is_closed_and_of_the_size_of_a_mouth(name: str) -> None:
    path = only(sample(), f"_{name}.stl")
    triangles = np.asarray(numpy_stl.Mesh.from_file(str(path)).vectors)
    faces = np.arange(len(triangles) * 3).reshape(-1, 3)
    surface = trimesh.Trimesh(triangles.reshape(-1, 3), faces, process=True)
    assert surface.is_watertight
    assert surface.is_winding_consistent
    assert surface.volume > 1000
    wide, deep, _ = surface.extents
    assert 60 < wide < 90
    assert 40 < deep < 75
    if name != "Bite":
        assert 20_000 <= len(triangles) <= 40_000


def test_trimesh_reads_a_surface_without_what_follows_it(tmp_path: Path) -> None:
    data = only(sample(), "_UpperJaw.stl").read_bytes()
    end = 84 + 50 * int.from_bytes(data[80:84], "little")
    assert len(data) > end
    bare = tmp_path / "bare.stl"
    bare.write_bytes(data[:end])
    surface = trimesh.load_mesh(bare)
    assert len(surface.faces) == (end - 84) // 50


def test_pillow_reads_the_photograph_and_its_thumbnail() -> None:
    with Image.open(only(sample(), ".jpg")) as picture:
        picture.load()
        assert picture.size == (1200, 800)
        exif = picture.getexif()
        thumbnail = exif.get_ifd(ExifTags.IFD.IFD1)
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
        assert set(thumbnail) >= {0x0103, 0x0201, 0x0202}


@pytest.mark.parametrize("person", read(), ids=lambda person: person.charset)
def test_the_order_is_one_that_intake_accepts(person: Identity) -> None:
    accepted = orders.parse(order(Planter(person)))
    assert accepted.pixels_checked
    assert accepted.prescription is not None
    assert {tooth.system for tooth in accepted.prescription.teeth} == {"FDI"}
    notes = (accepted.prescription.notes or "").casefold()
    assert notes
    assert not [word for word in person.words() if word.casefold() in notes]
