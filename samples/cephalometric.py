"""A lateral cephalogram: a skull in profile facing right, teeth, soft tissue, the head holder's ruler."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samples.film import Film, Frame
from samples.outlines import draw
from samples.teeth import Pose, expose, half

SPACING = 0.2
_FRAME = Frame(-116, -122, SPACING, 1280, 1180)
_MIDDLES = (74.5, 70.0, 63.5, 57.0, 50.0, 41.5, 31.5)
_LEAN = (0.42, 0.38, 0.26, 0.12, 0.05, 0.0, -0.08)


def cephalometric(rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return 1280 x 1180 pixels of 16 bits, bone bright."""
    film = Film(_FRAME, rng)
    draw(film, "cephalometric")
    _teeth(film, rng)
    _ruler(film)
    return film.exposed(16, contrast=0.8)


def _teeth(film: Film, rng: np.random.Generator) -> None:
    """One row a jaw: the two sides cover each other, so every tooth is drawn twice, a little apart."""
    for jaw in ("upper", "lower"):
        upper = jaw == "upper"
        for tooth, middle, lean in zip(half(jaw), _MIDDLES, _LEAN, strict=False):
            x = middle + (1.2 if upper else -2.0)
            y = 70.5 + (middle - 31) * 0.11 + (1.5 if upper and tooth.position < 3 else 0)
            tilt = (-lean if upper else lean) + rng.normal(0, 0.015)
            expose(film, tooth, Pose(x, y + (0.4 if upper else 0.8), tilt, True, upper, 1.0))


def _ruler(film: Film) -> None:
    """A steel scale in front of the nose root, one notch a centimetre, a longer one every five."""
    film.line(np.array([(108.0, -40.0), (108.0, 62.0)]), 1.0, 1.1, 0.15)
    for step in range(11):
        y = -40.0 + 10 * step
        film.line(np.array([(108.0, y), (113.0 if step % 5 else 117.0, y)]), 0.8, 1.1, 0.15)
