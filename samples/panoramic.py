"""A panoramic radiograph: both jaws unrolled, 32 teeth, the right side of the patient at the left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samples.film import Film, Frame
from samples.outlines import draw
from samples.teeth import Pose, expose, half

SPACING = 0.2
_ROWS, _COLUMNS = 720, 1400
_MAGNIFICATION = 1.25
_FILLED = {("upper", 6, 1), ("lower", 6, -1), ("upper", 5, -1)}


def panoramic(rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return 720 x 1400 pixels of 16 bits, bone bright."""
    film = Film(Frame(-140, -75, SPACING, _ROWS, _COLUMNS), rng)
    draw(film, "panoramic")
    for jaw in ("upper", "lower"):
        _arch(film, jaw, rng)
    return film.exposed(16)


def _arch(film: Film, jaw: str, rng: np.random.Generator) -> None:
    """Teeth in a row along the smile of the biting plane; the lower row is stretched to meet the upper."""
    upper = jaw == "upper"
    reach = sum(tooth.width for tooth in half("upper")) / sum(tooth.width for tooth in half(jaw))
    edge = 0.0
    for tooth in half(jaw):
        width = tooth.width * _MAGNIFICATION * reach * 0.985
        x = edge + width / 2
        edge += width
        y = -11 * (x / 80) ** 2 + (1.2 if upper else -0.6) * (tooth.position < 4)
        slope = -22 * x / 80**2
        lean = (
            slope * 0.6
            - (0.10 if upper else -0.05) * (tooth.position - 1) / 7
            - (0.0 if upper else 0.012 * tooth.position)
        )
        for side in (1, -1):
            tilt = side * (lean + rng.normal(0, 0.02))
            pose = Pose(side * x, y + (-0.6 if upper else 0.9), tilt, side < 0, upper, _MAGNIFICATION)
            expose(film, tooth, pose, (jaw, tooth.position, side) in _FILLED)
