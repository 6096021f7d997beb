from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from sample_cases import films, only, sample, slices

from samples import panoramic
from samples.preview import contact_sheet


def _pixels(ending: str) -> NDArray[np.float64]:
    return pydicom.dcmread(only(sample(), ending)).pixel_array.astype(float)


def _entropy(pixels: NDArray[Any]) -> float:
    """Bits a pixel of the 256 step histogram."""
    counts, _ = np.histogram(pixels, 256)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


@pytest.mark.parametrize("ending", ["_panoramic.dcm", "_cephalometric.dcm", "_bitewing.dcm", "_periapical.dcm"])
def test_a_film_has_the_range_of_greys_of_a_radiograph(ending: str) -> None:
    pixels = _pixels(ending)
    assert _entropy(pixels) > 5
    dark, bright = np.percentile(pixels, (2, 98))
    assert bright > 1.8 * dark


def test_teeth_are_brighter_than_bone_and_bone_than_flesh_on_the_panoramic() -> None:
    film = _pixels("_panoramic.dcm")

    def around(x: float, y: float) -> float:
        column, row = int((x + 140) / panoramic.SPACING), int((y + 75) / panoramic.SPACING)
        return float(np.median(film[row - 8 : row + 8, column - 8 : column + 8]))

    tooth, bone, below = around(5.4, -6), around(0, 36), around(40, 62)
    assert tooth > bone > below


def test_the_lower_border_of_the_mandible_is_a_bright_line() -> None:
    film = _pixels("_panoramic.dcm")
    column = film[:, film.shape[1] // 2 + 150 : film.shape[1] // 2 + 160].mean(1)
    below = column[580:700]
    assert float(column[560:660].max()) > 1.8 * float(below.min())


def test_a_head_is_darker_outside_than_inside_on_the_cephalogram() -> None:
    film = _pixels("_cephalometric.dcm")
    assert float(film[:80, :80].mean()) < 0.3 * float(film[400:500, 300:600].mean())


def test_the_cbct_has_air_flesh_bone_dentine_and_enamel() -> None:
    volume = np.stack([pydicom.dcmread(path).pixel_array for path in slices(sample())])
    ranges = {"air": (-1024, -700), "flesh": (-100, 150), "bone": (900, 1350), "dentine": (1400, 1700)}
    for low, high in (*ranges.values(), (1900, 3100)):
        assert int(((volume > low) & (volume < high)).sum()) > 2000


def test_the_cbct_holds_a_row_of_crowns_just_above_the_biting_plane() -> None:
    plane = pydicom.dcmread(slices(sample())[28]).pixel_array
    rows, columns = np.nonzero(plane > 1500)
    assert 55 < (columns.max() - columns.min()) * 0.8 < 85
    assert 40 < (rows.max() - rows.min()) * 0.8 < 70
    middle = plane[40:70, 75:85]
    assert int(middle.max()) < 1000


def test_the_photograph_shows_white_teeth_between_pink_gums() -> None:
    with Image.open(only(sample(), ".jpg")) as picture:
        pixels = np.asarray(picture.convert("RGB"), float)
    teeth, gums = pixels[330:380, 500:700].reshape(-1, 3), pixels[620:660, 450:750].reshape(-1, 3)
    red, _, blue = np.median(teeth, 0)
    assert blue > 0.75 * red > 100
    red, green, _ = np.median(gums, 0)
    assert red > 1.4 * green


def test_a_contact_sheet_shows_all_nine_tiles() -> None:
    assert len(films(sample())) == 4
    sheet = np.asarray(contact_sheet(sample()).convert("L"), float)
    rows, columns = sheet.shape[0] // 3, sheet.shape[1] // 3
    tiles = [sheet[r * rows :][:rows, c * columns :][:, :columns] for r in range(3) for c in range(3)]
    assert all(tile.std() > 15 for tile in tiles)
