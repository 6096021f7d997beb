"""DICOM instances as a careless clinic's scanners write them: valid, and full of names.

The attributes come from headers.toml. What is planted is read back from the finished data set, so the
record names every place, at every depth.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian

from samples import hideouts
from samples.identities import VISIT, Planter

DX = UID("1.2.840.10008.5.1.4.1.1.1.1")
INTRAORAL = UID("1.2.840.10008.5.1.4.1.1.1.3")
CT = UID("1.2.840.10008.5.1.4.1.1.2")

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ASCII = frozenset({"AE", "AS", "CS", "DA", "DT", "TM", "UI", "IS", "DS"})


@dataclass(frozen=True, slots=True)
class Shot:
    """One acquisition: its SOP class, the tables of headers.toml that apply, and its pixels."""

    name: str
    sop_class: UID
    tables: tuple[str, ...]
    pixels: NDArray[np.uint16] | NDArray[np.int16]
    bits: int
    spacing: float
    number: int = 1


def uid(*parts: object) -> str:
    """Return the UID that belongs to `parts`, always the same one."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15])}"


def instance(shot: Shot, planter: Planter, case: str, path: str, extra: Mapping[str, object]) -> bytes:
    """Return `shot` as a DICOM file of the case `case`; what it plants is noted under `path`."""
    fields = _fields(shot, planter, case)
    dataset = Dataset()
    for table in ("common", *shot.tables):
        _fill(dataset, _tables()[table], fields)
    _fill(dataset, extra, fields)
    _pixels(dataset, shot)
    hideouts.private_blocks(dataset, planter, path)
    hideouts.pictures(dataset, shot.pixels, planter, path)
    hideouts.padding(dataset, planter, path)
    dataset.SOPClassUID = shot.sop_class
    dataset.SOPInstanceUID = fields["instance_uid"]
    _note(dataset, planter, path, "")
    return _encoded(dataset, planter, path)


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("samples").joinpath("headers.toml").read_text("utf-8"))


def _fields(shot: Shot, planter: Planter, case: str) -> dict[str, str]:
    identity = planter.identity
    texts = {key: value for key, value in asdict(identity).items() if isinstance(value, str)}
    series = shot.tables[-1]
    return texts | {
        "address": identity.address,
        "bare_id": identity.bare_id,
        "visit": VISIT,
        "study_uid": uid(case, "study"),
        "series_uid": uid(case, series),
        "instance_uid": uid(case, series, shot.name, shot.number),
        "frame_uid": uid(case, series, "frame of reference"),
        "earlier_uid": uid(case, "earlier study"),
        "creator_uid": uid(identity.station, "creator"),
        "device_uid": uid(identity.serial, "device"),
    }


def _fill(dataset: Dataset, table: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    for keyword, value in table.items():
        if keyword.endswith("Sequence"):
            items = []
            for row in value:
                item = Dataset()
                _fill(item, row, fields)
                items.append(item)
            value = items
        elif isinstance(value, str):
            value = value.format_map(fields)
        elif isinstance(value, list):
            value = [str(entry).format_map(fields) for entry in value]
        setattr(dataset, keyword, value)


def _pixels(dataset: Dataset, shot: Shot) -> None:
    """The image pixel module (PS3.3 C.7.6.3) and the spacing."""
    signed = shot.pixels.dtype.kind == "i"
    dataset.Rows, dataset.Columns = shot.pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, shot.bits, shot.bits - 1
    dataset.PixelRepresentation = int(signed)
    spacing = [str(shot.spacing)] * 2
    if shot.sop_class == CT:
        dataset.PixelSpacing = spacing
    else:
        dataset.ImagerPixelSpacing = spacing
        dataset.WindowCenter, dataset.WindowWidth = str(1 << (shot.bits - 1)), str(1 << shot.bits)
    dataset.add_new("PixelData", "OW", shot.pixels.astype(shot.pixels.dtype.newbyteorder("<")).tobytes())


def _note(dataset: Dataset, planter: Planter, path: str, above: str) -> None:
    for element in dataset:
        name = f"{element.keyword or 'private'} ({element.tag.group:04X},{element.tag.elem:04X})"
        if element.VR == "SQ":
            for item in element.value:
                _note(item, planter, path, f"{above}{name}/")
        elif element.VR in _TEXT | _ASCII:
            values = element.value if isinstance(element.value, MultiValue) else [element.value]
            codec = planter.identity.codec if element.VR in _TEXT else "ascii"
            for value in values:
                planter.note(path, above + name, str(value), codec)


def _encoded(dataset: Dataset, planter: Planter, path: str) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(uid("implementation"))
    meta.ImplementationVersionName = "ODONTIX_420"
    meta.SourceApplicationEntityTitle = planter.identity.ae_title
    _note(meta, planter, path, "file meta/")
    file = FileDataset("", dataset, file_meta=meta, preamble=hideouts.preamble(planter, path))
    buffer = BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
