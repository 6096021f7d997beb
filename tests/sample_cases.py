"""Sample cases that several tests look at, each written once a process and gone when it ends."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from samples.case import SampleCase, write_case

_FOLDERS = tempfile.TemporaryDirectory(prefix="sample-cases-")


@cache
def sample(patient: int = 1, seed: int = 1) -> SampleCase:
    """Return the case of `patient`, in a folder of its own."""
    return write_case(Path(_FOLDERS.name) / f"{patient}-{seed}", seed, patient)


def films(case: SampleCase) -> tuple[Path, ...]:
    """Return the four radiographs."""
    return tuple(path for path in case.files if path.suffix == ".dcm" and path not in slices(case))


def slices(case: SampleCase) -> tuple[Path, ...]:
    """Return the instances of the CBCT series."""
    return tuple(path for path in case.files if path.parent.name.endswith("_CBCT"))


def only(case: SampleCase, ending: str) -> Path:
    """Return the one file whose name ends in `ending`."""
    (found,) = (path for path in case.files if path.name.endswith(ending))
    return found
