"""A cone beam CT of both jaws: a phantom sampled on a coarse grid, in Hounsfield-like units.

Coordinates are millimetres: x to the patient's left, y to the back, z up; the biting plane is z = 0 and the
origin lies behind the front teeth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples import archform
from samples.archform import Standing, standings
from samples.film import Floats, quantum
from samples.teeth import Tooth

SPACING, THICKNESS = 0.8, 1.0
SIZE, SLICES = 160, 48
LEFT, FRONT, BOTTOM = -64.0, -22.0, -25.0

_AIR, _FLESH, _SPONGY, _CORTICAL = -1000.0, 40.0, 350.0, 1250.0
_DENTINE, _ENAMEL, _PULP = 1500.0, 2600.0, 80.0


def volume(rng: np.random.Generator) -> NDArray[np.int16]:
    """Return 48 slices of 160 x 160 voxels from below the roots of the lower teeth to the sinuses."""
    x, y = _plane()
    arch = _arch(x, y)
    teeth = [*standings("upper"), *standings("lower")]
    slices = [_slice(BOTTOM + THICKNESS * k, x, y, arch, teeth) for k in range(SLICES)]
    return np.stack([_imaged(plane, x, y, rng) for plane in slices])


@dataclass(frozen=True, slots=True)
class _Arch:
    """For every pixel: how far along the arch from the midline (mm), and how far outside it (mm)."""

    along: Floats
    across: Floats


def _plane() -> tuple[Floats, Floats]:
    steps = np.arange(SIZE, dtype=np.float32) * np.float32(SPACING)
    x, y = np.meshgrid(steps + np.float32(LEFT), steps + np.float32(FRONT))
    return x, y


def _arch(x: Floats, y: Floats) -> _Arch:
    distance = np.hypot(np.abs(x)[..., None] - archform.X, y[..., None] - archform.Y)
    nearest = distance.argmin(-1)
    inside = (np.abs(x) < np.interp(y, archform.Y, archform.X)) & (y > 0)
    return _Arch(archform.LENGTH[nearest], np.where(inside, -1, 1) * distance.min(-1))


def _slice(z: float, x: Floats, y: Floats, arch: _Arch, teeth: list[Standing]) -> Floats:
    plane = np.full(x.shape, _AIR, np.float32)
    _flesh(plane, z, x, y)
    _spine(plane, z, x, y)
    _jaw(plane, z, arch)
    _ramus(plane, z, x, y)
    if z > 14:
        _nose(plane, z, x, y)
    for standing in teeth:
        _tooth(plane, z, x, y, standing)
    return plane


def _flesh(plane: Floats, z: float, x: Floats, y: Floats) -> None:
    """Face and neck, fat under the skin, and the air of mouth and throat."""
    lips = 14 + 2.5 * np.cos(z / 5)
    outer = (np.abs(x) / 60) ** 2.3 + np.where(
        y < 45, (np.abs(y - 45) / (42 + lips)) ** 2.3, (np.abs(y - 45) / 66) ** 2.6
    )
    plane[outer < 1] = -90
    plane[outer < 0.86] = _FLESH
    muscle = (np.hypot((np.abs(x) - 49) / 7, (y - 42) / 16) < 1) & (outer < 0.9)
    plane[muscle] = 70
    throat = np.hypot(x / 13, (y - 66) / 6.5) < 1
    plane[throat] = _AIR
    if z > 6:
        plane[(np.hypot(x / 19, (y - 28) / 22) < 1) & (z < 14)] = _AIR if z < 9 else _FLESH
    elif z > -3:
        gap = np.abs(np.hypot(x / 21, (y - 30) / 27) - 1) < 0.06
        plane[gap & (y < 50)] = -600


def _spine(plane: Floats, z: float, x: Floats, y: Floats) -> None:
    body = np.hypot(x / 10, (y - 84) / 7.5)
    ring = np.abs(np.hypot(x / 14, (y - 97) / 9) - 1.05) < 0.22
    disc = abs((z + 12) % 18 - 1) < 1.6
    bone = 120.0 if disc else _SPONGY
    plane[ring & (y > 88)] = _CORTICAL * 0.75
    plane[body < 1] = bone
    if not disc:
        plane[np.abs(body - 0.97) < 0.1] = _CORTICAL * 0.8
    wing = np.hypot((np.abs(x) - 16) / 6.5, (y - 89) / 4.5)
    plane[wing < 1] = _SPONGY * 1.3
    plane[wing < 0.4] = _FLESH
    plane[np.hypot(x / 9, (y - 97.5) / 6.5) < 1] = 30


def _jaw(plane: Floats, z: float, arch: _Arch) -> None:
    """The alveolar process of either jaw, compact outside and spongy inside."""
    if -9.5 < z < 8:
        return
    thick = 4.6 + 0.03 * arch.along + (1.4 if z < -16 else 0)
    end = 66.0 if z > 0 else 76.0
    off = np.abs(arch.across + 0.8)
    plane[(off < thick) & (arch.along < end)] = _CORTICAL
    plane[(off < thick - 1.6) & (arch.along < end - 1.6)] = _SPONGY
    if abs(z + 20) < 2:
        plane[(off < 1.4) & (arch.along > 24)] = 20


def _nose(plane: Floats, z: float, x: Floats, y: Floats) -> None:
    """Palate, then the nasal cavity with its septum and the floor of the sinuses, each in a thin wall."""
    if z < 18:
        plane[np.hypot(x / 27, (y - 28) / 26) < 1] = _CORTICAL * 0.8
        return
    for side in (1, -1):
        for cx, cy, rx, ry in ((25.0, 36.0, 9.0, 15.0), (6.5, 28.0, 6.5, 24.0)):
            cavity = np.hypot((side * x - cx) / rx, (y - cy) / ry)
            plane[(cavity < 1 + 1.6 / rx) & (cavity >= 1)] = _CORTICAL * 0.7
            plane[cavity < 1] = _AIR
        plane[np.hypot((side * x - 8.5) / 2.6, (y - 30) / 15) < 1] = _FLESH


def _ramus(plane: Floats, z: float, x: Floats, y: Floats) -> None:
    if z < -8:
        return
    blade = np.hypot((np.abs(x) - 38 - 0.15 * z) / 4.2, (y - 58 - 0.1 * z) / 15)
    plane[blade < 1] = _CORTICAL
    plane[blade < 0.62] = _SPONGY


def _tooth(plane: Floats, z: float, x: Floats, y: Floats, standing: Standing) -> None:
    """One cross-section: a rounded box in the crown, an oval or two or three in the root."""
    tooth = standing.tooth
    depth = z - 0.4 if tooth.jaw == "upper" else -z - 0.4
    if not 0 <= depth < tooth.crown + tooth.root:
        return
    window = _around(standing)
    dx, dy = x[window] - np.float32(standing.x), y[window] - np.float32(standing.y)
    cos, sin = np.cos(standing.angle), np.sin(standing.angle)
    u, v = dx * cos + dy * sin, -dx * sin + dy * cos
    if depth < tooth.crown:
        _crown(plane[window], tooth, depth / tooth.crown, u, v)
    else:
        _root(plane[window], tooth, (depth - tooth.crown) / tooth.root, u, v)


def _around(standing: Standing) -> tuple[slice, slice]:
    row, column = int((standing.y - FRONT) / SPACING), int((standing.x - LEFT) / SPACING)
    return slice(row - 13, row + 15), slice(column - 13, column + 15)


def _crown(plane: Floats, tooth: Tooth, share: float, u: Floats, v: Floats) -> None:
    cut = tooth.depth / 2 * (min(1.0, 0.35 + share) if tooth.position < 4 else 0.95)
    box = (np.abs(u) / (tooth.width / 2 * (1 - 0.2 * share**2))) ** 2.6 + (np.abs(v) / cut) ** 2.6
    plane[box < 1] = _ENAMEL
    plane[box < (0.2 + 0.62 * share if share > 0.18 else 0.0)] = _DENTINE
    if share > 0.45:
        plane[box < 0.06] = _PULP


def _root(plane: Floats, tooth: Tooth, share: float, u: Floats, v: Floats) -> None:
    """Dentine round a canal, in the thin gap of the ligament."""
    taper = float(np.sqrt(1 - share)) * (0.92 - 0.2 * share) / 2
    wide = tooth.width * taper * (0.8 if tooth.roots == 1 else 0.46)
    deep = tooth.depth * taper * (0.82 if tooth.roots < 3 else 0.48)
    for cu, cv in _root_centres(tooth, share):
        oval = np.hypot((u - cu) / wide, (v - cv) / deep)
        plane[(oval > 1) & (oval < 1.22)] = 200
        plane[oval < 1] = _DENTINE
        plane[oval < 0.24] = _PULP


def _root_centres(tooth: Tooth, share: float) -> list[tuple[float, float]]:
    spread = 0.22 + 0.08 * share
    u, v = tooth.width * spread, tooth.depth * spread
    if tooth.roots == 1:
        return [(0.0, 0.0)]
    if tooth.roots == 2:
        return [(-u, 0.0), (u, 0.0)]
    return [(-u, -v * 0.7), (u, -v * 0.7), (0.0, v)]


def _imaged(plane: Floats, x: Floats, y: Floats, rng: np.random.Generator) -> NDArray[np.int16]:
    """Blur, add noise, and cut to the cylinder that the scanner sees."""
    soft = plane.copy()
    for axis in (0, 1):
        soft = 0.5 * soft + 0.25 * (np.roll(soft, 1, axis) + np.roll(soft, -1, axis))
    soft += 40 * quantum(rng, (SIZE, SIZE))
    centre = (LEFT + SIZE * SPACING / 2, FRONT + SIZE * SPACING / 2)
    soft[np.hypot(x - centre[0], y - centre[1]) > SIZE * SPACING / 2 - 0.5] = _AIR
    return np.round(np.clip(soft, -1000, 3095)).astype(np.int16)
