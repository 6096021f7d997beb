"""A contact sheet of a case, to see at a glance what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image

from samples import surface_file
from samples.case import SampleCase
from samples.render import View, paint

_TILE = (480, 320)
_PLASTER = (226, 212, 184)


def contact_sheet(case: SampleCase) -> Image.Image:
    """Return nine tiles: the four films, three slices of the CBCT, the lower arch, the photograph."""
    films = [path for path in case.files if path.suffix == ".dcm" and "CBCT" not in path.parent.name]
    slices = [path for path in case.files if path.parent.name.endswith("CBCT")]
    tiles = [_grey(_pixels(path)) for path in films]
    tiles += [_grey(_pixels(slices[k])) for k in (8, 22, 44)]
    tiles += [_surface(path) for path in case.files if path.name.endswith("_LowerJaw.stl")]
    tiles += [Image.open(path) for path in case.files if path.suffix == ".jpg"]
    sheet = Image.new("RGB", (_TILE[0] * 3, _TILE[1] * 3), (24, 24, 28))
    for index, tile in enumerate(tiles):
        tile.thumbnail((_TILE[0] - 8, _TILE[1] - 8))
        column, row = index % 3, index // 3
        sheet.paste(tile, (column * _TILE[0] + (_TILE[0] - tile.width) // 2, row * _TILE[1] + 4))
    return sheet


def _pixels(path: Path) -> NDArray[Any]:
    return pydicom.dcmread(path).pixel_array


def _grey(pixels: NDArray[Any]) -> Image.Image:
    low, high = np.percentile(pixels, (1, 99.8))
    shades = np.clip((pixels.astype(np.float32) - low) / (high - low) * 255, 0, 255)
    return Image.fromarray(shades.astype(np.uint8)).resize((pixels.shape[1] * 2, pixels.shape[0] * 2))


def _surface(path: Path) -> Image.Image:
    tile = Image.new("RGB", (_TILE[0] * 2, _TILE[1] * 2), (40, 44, 52))
    mesh = surface_file.read(path.read_bytes())
    paint(tile, mesh, View(0, 0.75, 8.5, (0, 26, -9)), _PLASTER, _PLASTER)
    return tile
