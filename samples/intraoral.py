"""Intra-oral radiographs: a bitewing of the left side and a periapical of the lower left molars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from samples.film import Film, Frame, Points
from samples.teeth import Pose, Tooth, expose, half

SPACING = 0.05
_BITEWING = Frame(-20.5, -15.5, SPACING, 620, 820)
_PERIAPICAL = Frame(-15.5, -7.0, SPACING, 820, 620)
_FIRST, _LAST = 4, 8


def bitewing(rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return 620 x 820 pixels of 12 bits: the crowns of both rows, teeth 24-27 over 34-37."""
    film = Film(_BITEWING, rng)
    film.area(_box(_BITEWING), 0.16, 2.0)
    for jaw, start, filled in (("upper", -19.5, 26), ("lower", -21.5, 35)):
        _row(film, jaw, start, filled, rng)
    return film.exposed(12, contrast=0.75, noise=0.011)


def periapical(rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return 820 x 620 pixels of 12 bits: teeth 35, 36 and 37 with their roots, and the canal below."""
    film = Film(_PERIAPICAL, rng)
    film.area(_box(_PERIAPICAL), 0.14, 2.0)
    _row(film, "lower", -24.0, 36, rng)
    x = np.linspace(-18, 18, 13)
    canal = np.stack([x, 27.5 - 0.006 * (x + 4) ** 2 - 0.09 * x], -1)
    film.line(canal, 2.8, -0.24, 0.5)
    for side in (-1.6, 1.6):
        film.line(canal + np.array((0, side)), 0.4, 0.16, 0.2)
    return film.exposed(12, contrast=0.75, noise=0.011)


def _row(film: Film, jaw: str, start: float, filled: int, rng: np.random.Generator) -> None:
    """Bone up to a millimetre and a half below the necks, then the teeth from `start` on."""
    upper = jaw == "upper"
    direction = -1 if upper else 1
    teeth = [tooth for tooth in half(jaw) if _FIRST <= tooth.position <= _LAST]
    middles = start + np.cumsum([tooth.width for tooth in teeth]) - np.array([t.width / 2 for t in teeth])
    bone = _crest(teeth, middles, direction)
    film.area(bone, 0.40, 0.35, 0.075)
    film.line(bone[2:-2], 0.5, 0.2, 0.2)
    for tooth, middle in zip(teeth, middles, strict=True):
        y = 0.35 - 0.004 * float(middle) ** 2
        lean = float(rng.normal(0, 0.025)) - (0.05 if upper else -0.06)
        pose = Pose(float(middle), y + 0.5 * direction, lean, False, upper)
        number = (20 if upper else 30) + tooth.position
        expose(film, tooth, pose, number == filled)


def _crest(teeth: list[Tooth], middles: Points, direction: int) -> Points:
    """The outline of the alveolar bone: higher between two teeth than in front of one."""
    points = [(-40.0, 60.0 * direction), (-40.0, 9.0 * direction)]
    for tooth, middle in zip(teeth, middles, strict=True):
        neck = (tooth.crown + 1.6) * direction
        points += [
            (float(middle) - tooth.width / 2, neck - 0.5 * direction),
            (float(middle), neck + 0.6 * direction),
        ]
    points += [(40.0, 9.0 * direction), (40.0, 60.0 * direction)]
    return np.array(points)


def _box(frame: Frame) -> Points:
    right, bottom = frame.left + frame.columns * frame.spacing, frame.top + frame.rows * frame.spacing
    left, top = frame.left - 9, frame.top - 9
    return np.array([(left, top), (right + 9, top), (right + 9, bottom + 9), (left, bottom + 9)])
