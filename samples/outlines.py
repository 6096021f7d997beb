"""Anatomy drawn by hand: outlines kept as data, one TOML table a film."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from samples.film import Film, Points, smooth


@dataclass(frozen=True, slots=True)
class Part:
    """One shadow: an area, or a line where `width` is given."""

    points: Points
    amount: float
    soft: float
    texture: float
    width: float | None
    mirror: bool

    def paths(self) -> tuple[Points, ...]:
        """Return the smoothed outlines; halves that begin and end on the midline are joined into one."""
        closed = self.width is None
        flipped = self.points * (-1, 1)
        if not self.mirror:
            return (smooth(self.points, closed),)
        if closed and self.points[0, 0] == self.points[-1, 0] == 0:
            return (smooth(np.concatenate([self.points, flipped[-2:0:-1]]), closed),)
        return (smooth(self.points, closed), smooth(flipped, closed))


def read(name: str) -> tuple[Part, ...]:
    """Return the parts of `name`.toml in their order."""
    text = files("samples").joinpath(f"{name}.toml").read_text("utf-8")
    return tuple(
        Part(
            np.array(part["points"], float),
            part["amount"],
            part["soft"],
            part.get("texture", 0.0),
            part.get("width"),
            part.get("mirror", False),
        )
        for part in tomllib.loads(text)["part"]
    )


def draw(film: Film, name: str) -> None:
    """Add every part of `name`.toml to `film`."""
    for part in read(name):
        for path in part.paths():
            if part.width is None:
                film.area(path, part.amount, part.soft, part.texture)
            else:
                film.line(path, part.width, part.amount, part.soft)
