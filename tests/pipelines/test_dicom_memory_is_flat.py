"""A multi-frame file of 1 GB takes no more memory than one of 30 MB."""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT

PROGRAM = """
import resource, struct, sys
import dicom_objects as objects
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pipelines.dicom import clean
from pipelines.segments import total_size

class Sparse:
    def __init__(self, head, pixels):
        self.head, self.size = head, len(head) + pixels
    def read(self, offset, length):
        length = max(0, min(length, self.size - offset))
        return self.head[offset : offset + length].ljust(length, b"\\0")

def frame(number):
    ds, position, plane = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = ["0", "0", str(number)]
    ds.PlanePositionSequence = Sequence([position])
    plane.FrameAcquisitionDateTime = "20260914100912"
    plane.DimensionIndexValues = [1, number]
    ds.FrameContentSequence = Sequence([plane])
    return ds

frames = 1250
ds = objects.ct()
ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
ds.PerFrameFunctionalGroupsSequence = Sequence([frame(n) for n in range(frames)])
ds.NumberOfFrames = frames
data = objects.as_file(ds)
head = data[: data.index(b"\\xe0\\x7f\\x10\\0OW")]
del ds, data

def peak(pixels):
    source = Sparse(head + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, pixels), pixels)
    result = clean(source, objects.context(pixels_checked=False))
    assert total_size(result.segments) > pixels
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

small = peak(30 << 20)
print(peak(1 << 30) - small)
"""


def test_memory_does_not_grow_with_the_pixels() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(done.stdout) < 8 << 10
