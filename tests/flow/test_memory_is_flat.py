"""A multi-frame file of 30 MB and one of 1 GB take the same memory, on the whole way through a worker."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
from dicom_objects import as_file, ct
from installations import Clinic, installed
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from worker.intake import Upload

FRAME = 640 * 640 * 2
SMALL, LARGE = 37, 1311
"""Frames of 819,200 bytes: 30 MB and 1 GB."""
ALLOWED = 16 << 20


def multi_frame(frames: int) -> Iterator[bytes]:
    """An enhanced CT with functional groups for every frame, its pixels made while they are read."""
    ds = ct()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    ds.Rows = ds.Columns = 640
    ds.NumberOfFrames = frames
    ds.PerFrameFunctionalGroupsSequence = Sequence(group(number) for number in range(frames))
    del ds.PixelData
    yield as_file(ds) + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, frames * FRAME)
    frame = bytes(range(256)) * (FRAME // 256)
    for _ in range(frames):
        yield frame


def group(number: int) -> Dataset:
    """The functional groups of one frame."""
    position, content, whole = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = ["0", "0", str(number)]
    content.FrameReferenceDateTime = "20260914101112.5"
    content.DimensionIndexValues = [1, number + 1]
    whole.PlanePositionSequence = Sequence([position])
    whole.FrameContentSequence = Sequence([content])
    return whole


class Watch(threading.Thread):
    """The most memory that any process of a tree has held, the worker and its children apart."""

    def __init__(self, root: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._root = root
        self.worker = self.child = 0

    def run(self) -> None:
        running = True
        while running:
            try:
                running = self._root.status() != psutil.STATUS_ZOMBIE
                self.worker = max(self.worker, peak(self._root))
                below = [one for one in self._root.children(recursive=True) if is_sandbox(one)]
                self.child = max([self.child, *map(peak, below)])
            except (psutil.Error, OSError):
                running = self._root.is_running()


def is_sandbox(process: psutil.Process) -> bool:
    """Whether it is the fork server or a child of it, and not the key service that a worker may start."""
    return "worker.sandbox.child" in process.cmdline()


def peak(process: psutil.Process) -> int:
    """The high-water mark of a process's resident memory, in bytes, as the kernel keeps it; 0 once it is gone."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    marks = [line for line in lines if line.startswith("VmHWM")]
    return 1024 * int(marks[0].split()[1]) if marks else 0


def watched(clinic: Clinic, chunks: Iterable[bytes]) -> Watch:
    """Bring one file to the lab, and return what was seen of the worker's memory."""
    accepted = clinic.submit(uploads=[Upload("volume.dcm", chunks)])
    process = clinic.started("work", "--until-idle")
    watch = Watch(psutil.Process(process.pid))
    watch.start()
    assert process.wait(timeout=240) == 0
    watch.join()
    assert clinic.transfer(accepted.transfers[0]).state == "published"
    return watch


def test_a_gigabyte_takes_no_more_memory_than_thirty_megabytes(tmp_path: Path) -> None:
    with installed(tmp_path) as clinic:
        small = watched(clinic, multi_frame(SMALL))
        large = watched(clinic, multi_frame(LARGE))
    assert small.child > 0
    assert large.worker - small.worker < ALLOWED
    assert large.child - small.child < ALLOWED
