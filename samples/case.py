"""One synthetic case, written into a folder as a clinic would upload it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from samples import cbct, cephalometric, intraoral, order, panoramic, photo, photo_file, surface_file
from samples.arches import arch, bite
from samples.dicom_header import CT, DX, INTRAORAL, Shot, instance
from samples.identities import Identity, Planted, Planter, read

PATIENTS = len(read())


@dataclass(frozen=True, slots=True)
class SampleCase:
    """Where a case was written; `scans` are what to upload, files and the folder of the CBCT series."""

    folder: Path
    order: Path
    scans: tuple[Path, ...]
    files: tuple[Path, ...]
    identity: Identity
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    data: bytes


def write_case(folder: Path, seed: int = 1, patient: int = 1) -> SampleCase:
    """Write the case of `patient` (1 to PATIENTS) below `folder`; the same seed writes the same bytes."""
    identity = read()[patient - 1]
    planter = Planter(identity)
    inside = f"{identity.family}, {identity.given} {identity.birth_date}"
    written = [folder / "order.json"]
    folder.mkdir(parents=True, exist_ok=True)
    written[0].write_bytes(order.order(planter))
    for file in _scans(planter, inside, seed):
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        planter.note(file.path, "file name", file.path)
        written.append(target)
    scans = sorted((folder / inside).iterdir())
    return SampleCase(folder, written[0], tuple(scans), tuple(written), identity, planter.all())


def _scans(planter: Planter, inside: str, seed: int) -> Iterator[_File]:
    identity = planter.identity
    case = f"{seed}/{identity.patient_id}"
    streams = np.random.default_rng([seed, *identity.patient_id.encode()]).spawn(8)
    stem = f"{inside}/{identity.family}_{identity.given}"
    for shot in _shots(streams):
        path = f"{stem}_{shot.name}.dcm"
        yield _File(path, instance(shot, planter, case, path, {}))
    for shot, extra in _series(streams[4]):
        path = f"{stem}_CBCT/IM{shot.number:05d}.dcm"
        yield _File(path, instance(shot, planter, case, path, extra))
    upper, lower, wax = arch("upper", streams[5]), arch("lower", streams[5]), bite(streams[5])
    for name, mesh in (("UpperJaw", upper), ("LowerJaw", lower)):
        path = f"{stem}_{name}.stl"
        yield _File(path, surface_file.binary(mesh, planter, path))
    path = f"{stem}_Bite.stl"
    yield _File(path, surface_file.text(wax, planter, path))
    path = f"{stem}_intraoral_front.jpg"
    yield _File(path, photo_file.jpeg(photo.photograph(upper, lower, streams[6]), planter, path))


def _shots(streams: list[np.random.Generator]) -> Iterator[Shot]:
    film = panoramic.panoramic(streams[0])
    yield Shot("panoramic", DX, ("x_ray", "panoramic"), film, 16, panoramic.SPACING)
    film = cephalometric.cephalometric(streams[1])
    yield Shot("cephalometric", DX, ("x_ray", "cephalometric"), film, 16, cephalometric.SPACING)
    film = intraoral.bitewing(streams[2])
    yield Shot("bitewing", INTRAORAL, ("x_ray", "bitewing"), film, 12, intraoral.SPACING)
    film = intraoral.periapical(streams[3])
    yield Shot("periapical", INTRAORAL, ("x_ray", "periapical"), film, 12, intraoral.SPACING)


def _series(rng: np.random.Generator) -> Iterator[tuple[Shot, dict[str, object]]]:
    for index, plane in enumerate(cbct.volume(rng)):
        height = cbct.BOTTOM + index * cbct.THICKNESS
        extra: dict[str, object] = {
            "InstanceNumber": index + 1,
            "SliceThickness": str(cbct.THICKNESS),
            "SliceLocation": f"{height:.1f}",
            "ImagePositionPatient": [str(cbct.LEFT), str(cbct.FRONT), f"{height:.1f}"],
        }
        yield Shot("cbct", CT, ("cbct",), plane, 16, cbct.SPACING, index + 1), extra
