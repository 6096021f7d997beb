"""Where identity hides outside the header: preamble, private blocks, overlay and icon, padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from samples.identities import Planter

_ICON = (128, 64)
_OVERLAY = 0x6000


def preamble(planter: Planter, path: str) -> bytes:
    """Return 128 bytes that hold the patient's name and birth date (PS3.10 section 7.1)."""
    identity = planter.identity
    text = f"ODONTIX EXPORT {identity.latin_family} {identity.latin_given} {identity.birth_date}"
    planter.note(path, "preamble", text, "ascii")
    return text.encode("ascii").ljust(128, b"\0")[:128]


def private_blocks(dataset: Dataset, planter: Planter, path: str) -> None:
    """Add two blocks of an invented vendor; one nests another, and hides the name as UTF-16 bytes."""
    identity = planter.identity
    block = dataset.private_block(0x0009, "ODONTIX PATIENT 01", create=True)
    block.add_new(0x01, "LO", f"{identity.family}, {identity.given}")
    block.add_new(0x02, "SH", identity.patient_id)
    block.add_new(0x03, "DA", identity.birth_date)
    item = Dataset()
    item.private_block(0x0009, "ODONTIX PATIENT 01", create=True).add_new(0x11, "PN", identity.operator)
    block.add_new(0x10, "SQ", [item])
    text = f"{identity.family} {identity.given} {identity.phone} "
    block.add_new(0x20, "OB", text.encode("utf-16-le"))
    planter.note(path, "private (0009,1020)", text, "utf-16-le")
    machine = dataset.private_block(0x0029, "ODONTIX MACHINE", create=True)
    machine.add_new(0x01, "DS", "0.155")
    machine.add_new(0x02, "FD", [0.25, 0.5])
    machine.add_new(0x03, "LO", identity.serial)


def pictures(dataset: Dataset, pixels: NDArray[Any], planter: Planter, path: str) -> None:
    """Add an overlay plane (PS3.3 C.9.2) and an icon (C.7.6.1.1.6) that both show the patient's name."""
    identity = planter.identity
    rows, columns = pixels.shape
    text = f"{identity.latin_family}, {identity.latin_given} {identity.birth_date}"
    plane = _written(text, (columns, rows), (8, 6), max(10, rows // 36))
    bits = np.packbits(np.asarray(plane, np.uint8).ravel() > 127, bitorder="little")
    _overlay(dataset, rows, columns, bits.tobytes() + b"\0" * (len(bits) % 2), identity.family)
    planter.note(path, "OverlayData (6000,3000)", text, None)
    dataset.IconImageSequence = [_icon(pixels, text)]
    planter.note(path, "IconImageSequence (0088,0200)/PixelData (7FE0,0010)", text, None)


def padding(dataset: Dataset, planter: Planter, path: str) -> None:
    """Add DataSetTrailingPadding (FFFC,FFFC) with the patient's address in it."""
    text = planter.identity.address
    data = text.encode("utf-8") + b"\0"
    dataset.add_new(0xFFFCFFFC, "OB", data + b"\0" * (len(data) % 2))
    planter.note(path, "DataSetTrailingPadding (FFFC,FFFC)", text)


def _overlay(dataset: Dataset, rows: int, columns: int, data: bytes, label: str) -> None:
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", columns),
        (0x0022, "LO", label),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x1500, "LO", label),
        (0x3000, "OW", data),
    ):
        dataset.add_new((_OVERLAY << 16) | element, vr, value)


def _icon(pixels: NDArray[Any], text: str) -> Dataset:
    low, high = float(pixels.min()), float(pixels.max())
    shades = ((pixels - low) / (high - low) * 255).astype(np.uint8)
    small = Image.fromarray(shades).resize(_ICON, Image.Resampling.BOX)
    small.paste(_written(text, (_ICON[0], 12), (1, 0), 9), (0, 0))
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, "MONOCHROME2"
    icon.Rows, icon.Columns = _ICON[1], _ICON[0]
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.add_new("PixelData", "OB", small.tobytes())
    return icon


def _written(text: str, size: tuple[int, int], at: tuple[int, int], height: int) -> Image.Image:
    plane = Image.new("L", size)
    ImageDraw.Draw(plane).text(at, text, fill=255, font=ImageFont.load_default(height))
    return plane
