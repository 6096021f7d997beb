"""Teeth: their sizes, and how one looks on a radiograph.

Sizes are the usual averages of dental anatomy, in millimetres. A tooth's own coordinates have x to distal
and y from the biting edge (0) to the tip of the root.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from samples.film import Film, Points, smooth


@dataclass(frozen=True, slots=True)
class Tooth:
    """One tooth of one half of a jaw; `position` counts from the midline, as ISO 3950 does."""

    jaw: str
    position: int
    width: float
    depth: float
    crown: float
    root: float
    roots: int
    shape: str


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a tooth stands on a film: the middle of its biting edge, its tilt, its size."""

    x: float
    y: float
    tilt: float
    mirror: bool
    upward: bool
    scale: float = 1.0

    def place(self, points: Points) -> Points:
        """Return a tooth's own coordinates as the film's."""
        sideways = -1 if self.mirror else 1
        x = points[:, 0] * self.scale * sideways
        y = points[:, 1] * self.scale * (-1 if self.upward else 1)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return np.stack([self.x + cos * x - sin * y, self.y + sin * x + cos * y], -1)


def _read() -> tuple[Tooth, ...]:
    text = files("samples").joinpath("teeth.csv").read_text("utf-8")
    return tuple(
        Tooth(
            row["jaw"],
            int(row["position"]),
            float(row["width"]),
            float(row["depth"]),
            float(row["crown"]),
            float(row["root"]),
            int(row["roots"]),
            row["shape"],
        )
        for row in csv.DictReader(text.splitlines())
    )


TEETH = _read()


def half(jaw: str) -> tuple[Tooth, ...]:
    """Return the eight teeth of one half of `jaw`, from the midline back."""
    return tuple(tooth for tooth in TEETH if tooth.jaw == jaw)


_CROWNS = {
    "incisor": [
        (0.5, 0.62),
        (0.51, 0.2),
        (0.46, 0.03),
        (0.2, 0.0),
        (-0.2, 0.0),
        (-0.45, 0.06),
        (-0.5, 0.25),
        (-0.48, 0.62),
    ],
    "canine": [
        (0.47, 0.65),
        (0.51, 0.36),
        (0.3, 0.12),
        (0.02, 0.0),
        (-0.3, 0.12),
        (-0.5, 0.34),
        (-0.46, 0.65),
    ],
    "premolar": [
        (0.46, 0.7),
        (0.51, 0.4),
        (0.42, 0.14),
        (0.2, 0.0),
        (0.0, 0.12),
        (-0.2, 0.0),
        (-0.42, 0.14),
        (-0.51, 0.4),
        (-0.46, 0.7),
    ],
    "molar": [
        (0.48, 0.75),
        (0.51, 0.42),
        (0.47, 0.13),
        (0.28, 0.0),
        (0.1, 0.13),
        (0.0, 0.16),
        (-0.1, 0.13),
        (-0.28, 0.0),
        (-0.47, 0.13),
        (-0.51, 0.42),
        (-0.48, 0.75),
    ],
}
_NECK = {"incisor": 0.37, "canine": 0.38, "premolar": 0.37, "molar": 0.42}
_SINGLE = [(-0.33, 0.3), (-0.24, 0.65), (-0.11, 0.94), (0.02, 1.0), (0.12, 0.92), (0.22, 0.62), (0.32, 0.3)]
_DOUBLE = [
    (-0.43, 0.25),
    (-0.42, 0.55),
    (-0.34, 0.9),
    (-0.27, 1.0),
    (-0.2, 0.9),
    (-0.14, 0.55),
    (-0.04, 0.27),
]


def _root(tooth: Tooth) -> Points:
    """The root from the mesial neck round the tips to the distal neck; roots lean to distal."""
    shape = _SINGLE
    if tooth.roots > 1:
        shape = [*_DOUBLE, *((-x, y * 0.96) for x, y in reversed(_DOUBLE))]
    points = np.array(shape) * (tooth.width, tooth.root)
    points[:, 0] += 0.09 * points[:, 1] * points[:, 1] / tooth.root
    points[:, 1] += tooth.crown
    return points


def _crown(tooth: Tooth) -> Points:
    """The crown from the distal neck over the biting edge to the mesial neck."""
    neck = _NECK[tooth.shape]
    shape = [(neck, 1.0), *_CROWNS[tooth.shape], (-neck, 1.0)]
    return np.array(shape) * (tooth.width, tooth.crown)


def expose(film: Film, tooth: Tooth, pose: Pose, filling: bool = False) -> None:
    """Add `tooth` to `film`: its socket, dentine, enamel cap and pulp, and a metal filling if it has one."""
    crown, root = _crown(tooth), _root(tooth)
    size = pose.scale
    socket = pose.place(smooth(np.concatenate([crown[-1:], root, crown[:1]]), closed=False))
    film.line(socket, 1.3 * size, 0.16, 0.22 * size)
    film.line(socket, 0.55 * size, -0.34, 0.14 * size)
    outline = pose.place(smooth(np.concatenate([crown, root]), closed=True))
    film.area(outline, 0.62, 0.3 * size)
    film.area(outline, 0.3, 1.1 * size)
    if tooth.roots == 3:
        palatal = np.array([(-0.17, 0.1), (-0.12, 0.8), (0.02, 1.08), (0.16, 0.8), (0.2, 0.1)])
        film.area(
            pose.place(smooth(palatal * (tooth.width, tooth.root) + (0, tooth.crown), closed=True)),
            0.3,
            0.4 * size,
        )
    _enamel(film, crown, pose)
    _pulp(film, tooth, pose)
    if filling:
        shape = np.array([(-0.3, 0.06), (0.0, 0.18), (0.38, 0.06), (0.4, 0.45), (0.1, 0.4), (-0.22, 0.36)])
        film.area(pose.place(smooth(shape * (tooth.width, tooth.crown), closed=True)), 2.6, 0.12 * size)


def _enamel(film: Film, crown: Points, pose: Pose) -> None:
    """The cap is seen edge-on at its sides, so there it attenuates most."""
    height = crown[0, 1]
    inner = crown * (0.74, 0.78) + (0, 0.22 * height)
    inner[[0, -1]] = crown[[0, -1]]
    ring = np.concatenate([smooth(crown, closed=False), smooth(inner, closed=False)[::-1]])
    film.area(pose.place(ring), 0.62, 0.22 * pose.scale)
    film.area(pose.place(smooth(crown, closed=False)), 0.22, 0.3 * pose.scale)


def _pulp(film: Film, tooth: Tooth, pose: Pose) -> None:
    crown, root, width = tooth.crown, tooth.root, tooth.width
    if tooth.roots == 1:
        shape = [
            (-0.02, 0.42),
            (0.07, 0.7),
            (0.07, 1.0),
            (0.045, 1.6),
            (0.02, 1.9),
            (0.0, 1.6),
            (-0.06, 1.0),
            (-0.07, 0.7),
        ]
        points = np.array([(x * width, y * crown if y <= 1 else crown + (y - 1) * root) for x, y in shape])
        film.area(pose.place(smooth(points, closed=True)), -0.42, 0.22 * pose.scale)
        return
    chamber = np.array(
        [(-0.22, 0.5), (0, 0.62), (0.22, 0.5), (0.24, 1.0), (0.17, 1.2), (0, 1.1), (-0.17, 1.2), (-0.24, 1.0)]
    )
    film.area(pose.place(smooth(chamber * (width, crown), closed=True)), -0.4, 0.3 * pose.scale)
    for side in (-1, 1):
        canal = np.array([(side * 0.2, 0.1), (side * 0.29, 0.5), (side * 0.26 + 0.08, 0.92)])
        path = smooth(canal * (width, root) + (0, crown), closed=False)
        film.line(pose.place(path), 0.55 * pose.scale, -0.26, 0.2 * pose.scale)
