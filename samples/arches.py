"""Surface scans of both arches: crowns on gums on a flat base, closed; and a bite registration.

A surface is a tube: sections across the arch, each a closed outline, are joined along it and capped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples import archform
from samples.film import Floats
from samples.teeth import Tooth

_FINE = 4
_ALONG = 17
_BASE = 21.0


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles over shared vertices, in millimetres; `enamel` tells teeth from gum, face by face."""

    vertices: Floats
    faces: NDArray[np.int32]
    enamel: NDArray[np.bool_]

    def triangles(self) -> Floats:
        """Return the corners, shape (n, 3, 3)."""
        corners: Floats = self.vertices[self.faces]
        return corners

    def normals(self) -> Floats:
        """Return a unit normal a face, outward."""
        a, b, c = self.triangles().transpose(1, 0, 2)
        cross = np.cross(b - a, c - a)
        length = np.linalg.norm(cross, axis=1, keepdims=True)
        unit: Floats = np.divide(cross, length, out=np.zeros_like(cross), where=length > 0)
        return unit

    def soft_normals(self) -> Floats:
        """Return a unit normal a face, averaged with its neighbours': what a smooth surface would show."""
        normals, corners = self.normals(), self.faces.ravel()
        shared = np.repeat(normals, 3, axis=0)
        sums = [np.bincount(corners, shared[:, k], len(self.vertices)) for k in range(3)]
        mean = np.stack(sums, -1)[self.faces].sum(1)
        unit: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return unit


@dataclass(frozen=True, slots=True)
class _Form:
    """How a crown of one shape is cut across: the table's half width, its groove, its bulge."""

    table: float
    groove: float
    depth: float
    cusps: int


_FORMS = {
    "incisor": _Form(0.13, 0.0, 0.80, 0),
    "canine": _Form(0.15, 0.0, 0.86, 1),
    "premolar": _Form(0.56, 1.7, 0.94, 1),
    "molar": _Form(0.62, 1.9, 0.96, 2),
}
_CURVE_OF_ROUNDS = 3.2


def arch(jaw: str, rng: np.random.Generator) -> Mesh:
    """Return the closed model of `jaw`; upper teeth point down, lower teeth up, biting at z = 0."""
    left = [_tooth_sections(span, jaw, rng) for span in archform.spans(jaw)]
    right = [_tooth_sections(span, jaw, rng) for span in archform.spans(jaw)]
    ends = [_tail_sections() for _ in range(2)]
    lengths, outlines = _row([*left, ends[0]], [*right, ends[1]])
    for gum in (slice(0, 3), slice(-3, None)):
        outlines[:, gum] = _levelled(outlines[:, gum])
    sections = np.einsum("vk,ukc->uvc", _weights(outlines.shape[1]), outlines)
    widened = 1.6 if jaw == "upper" else 0.0
    mesh = _tube(_placed(lengths, sections, widened))
    return _turned(mesh) if jaw == "upper" else mesh


def bite(rng: np.random.Generator) -> Mesh:
    """Return a bite registration: a thin horseshoe of silicone with the prints of the teeth in it."""
    lengths = np.linspace(-56, 56, 49, dtype=np.float32)
    across = np.array([-4.5, -2, 2, 4.5, 4.5, 2, -2, -4.5], np.float32)
    height = np.array([1.2, 2.2, 2.2, 1.2, -1.2, -2.2, -2.2, -1.2], np.float32)
    prints = 0.7 * np.cos(lengths / 8 * 2 * np.pi)[:, None] + rng.normal(0, 0.1, (49, 8))
    sections = np.stack([np.broadcast_to(across, (49, 8)), height + prints], -1).astype(np.float32)
    return _tube(_placed(lengths, sections, 0.0))


Sections = tuple[Floats, Floats]


def _tooth_sections(span: archform.Span, jaw: str, rng: np.random.Generator) -> Sections:
    """Seventeen outlines across one tooth, closer together where it meets its neighbours."""
    tooth, form = span.tooth, _FORMS[span.tooth.shape]
    t = np.sin(np.linspace(-1, 1, _ALONG) * np.pi / 2 * 0.96) / np.sin(np.pi / 2 * 0.96)
    length = (span.start + span.stop) / 2 + t * (span.stop - span.start) / 2 * 0.999
    round_off = (1 - np.abs(t) ** _CURVE_OF_ROUNDS) ** 0.5
    depth = tooth.depth / 2 * form.depth * (0.52 + 0.48 * round_off)
    crown, top, ridge = _heights(tooth, form, t, jaw)
    level = rng.normal(0, 0.18)
    groove = ridge - form.groove * (0.25 + 0.75 * round_off) if form.groove else top + 0.12
    gum = -crown * (0.93 - 0.34 * np.abs(t) ** 2.5)
    outlines = _outlines(form, depth, gum, top + level, groove + level)
    outlines[:, 2:-2, 0] += (rng.normal(0, 0.35) + t * rng.normal(0, 0.3))[:, None]
    return length, outlines


def _outlines(form: _Form, depth: Floats, gum: Floats, top: Floats, groove: Floats) -> Floats:
    """Seventeen points from the tongue's side of the base over the crown to the cheek's side."""
    zero = np.zeros_like(depth)
    table, bulge = depth * form.table, gum + 0.42 * (top - gum)
    lean = 0.25 * depth if form.table < 0.3 else zero
    rising = [
        (zero + 7.2, zero - _BASE),
        (zero + 6.6, zero - _BASE + 6),
        (depth + 1.7, gum - 3.2),
        (depth * 0.99 + 0.35, gum - 0.35),
        (depth * 0.93, gum + 0.25),
    ]
    over = [
        (-depth * (1.0 if form.groove else 0.62), bulge),
        (-table * 1.25 + lean, top - 0.35),
        (-table + lean, top),
        (lean, groove),
        (table + lean, top),
        (table * 1.25 + lean, top - 0.35),
        (depth, bulge),
    ]
    points = [*((-across, height) for across, height in rising), *over, *reversed(rising)]
    return np.array(points).transpose(2, 0, 1)


def _heights(tooth: Tooth, form: _Form, t: Floats, jaw: str) -> tuple[float, Floats, Floats]:
    """The crown's height above the gum, its biting edge along the tooth, and that edge without cusps."""
    upper = jaw == "upper"
    ridge = -0.45 * np.abs(t) ** 3 - 1.9 * np.abs(t) ** 14 - 0.3
    if upper and tooth.position < 4:
        ridge = ridge + 1.3
    edge = ridge
    if form.cusps == 1:
        edge = ridge - 1.3 * np.abs(t) ** 1.4
    if form.cusps == 2:
        edge = ridge - 0.4 - 0.75 * np.cos(2 * np.pi * t) * (1 - np.abs(t) ** 6)
    return tooth.crown + (0.6 if upper else 0.0), edge, ridge


def _tail_sections() -> Sections:
    """The ridge behind the last tooth."""
    t = np.linspace(0.1, 1, 6)
    length = archform.TOOTHED + t * 5
    across = np.array([-7.2, -6.6, -6.2, -5.4, -5, -4.4, -3.4, -2, 0, 2, 3.4, 4.4, 5, 5.4, 6.2, 6.6, 7.2])
    dome = -6.6 - (across / 5.2) ** 2 * 1.6
    height = np.broadcast_to(dome, (6, 17)) - 1.2 * t[:, None]
    outlines = np.stack([np.broadcast_to(across, (6, 17)), height], -1).astype(np.float32)
    outlines[:, [0, -1], 1] = -_BASE
    outlines[:, [1, -2], 1] = -_BASE + 6
    return length.astype(np.float32), outlines


def _row(left: list[Sections], right: list[Sections]) -> Sections:
    """Both halves in one row, from the right end (negative lengths) to the left."""
    lengths = np.concatenate([length for length, _ in left])
    outlines = np.concatenate([outline for _, outline in left])
    other = -np.concatenate([length for length, _ in right])[::-1]
    flipped = np.concatenate([outline for _, outline in right])[::-1]
    return np.concatenate([other, lengths]), np.concatenate([flipped, outlines])


def _levelled(gum: Floats) -> Floats:
    """Gum does not step between two teeth."""
    padded = np.pad(gum, ((12, 12), (0, 0), (0, 0)), "edge")
    mean: Floats = np.stack([padded[k : k + len(gum)] for k in range(25)]).mean(0)
    return mean


def _weights(count: int) -> Floats:
    """The Catmull-Rom weights that turn `count` controls of an open outline into a finer one."""
    rows = []
    for k in range(count - 1):
        for t in np.linspace(0, 1, _FINE, endpoint=False):
            row = np.zeros(count)
            cubic = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
            for step, weight in zip((-1, 0, 1, 2), cubic, strict=True):
                row[min(max(k + step, 0), count - 1)] += weight / 2
            rows.append(row)
    rows.append(np.eye(count)[-1])
    return np.array(rows, np.float32)


def _placed(lengths: Floats, sections: Floats, widened: float) -> Floats:
    """Sections (offset outward, height) as points in space, shape (along, around, 3)."""
    side = np.where(lengths < 0, -1, 1).astype(np.float32)
    x, y = archform.at(np.abs(lengths))
    ahead_x, ahead_y = archform.at(np.abs(lengths) + 0.5)
    run = np.hypot(ahead_x - x, ahead_y - y)
    nx, ny = (ahead_y - y) / run, -(ahead_x - x) / run
    offset = sections[..., 0] + widened
    px = side[:, None] * (x[:, None] + nx[:, None] * offset)
    py = y[:, None] + ny[:, None] * offset
    return np.stack([px, py, sections[..., 1]], -1).astype(np.float32)


def _tube(rings: Floats) -> Mesh:
    """Join the rings, each closed on itself, and cap both ends."""
    along, around, _ = rings.shape
    ids = np.arange(along * around, dtype=np.int32).reshape(along, around)
    a, b = ids[:-1], ids[1:]
    c, d = np.roll(b, -1, 1), np.roll(a, -1, 1)
    sides = np.concatenate([np.stack([a, c, b], -1), np.stack([a, d, c], -1)], 1).reshape(-1, 3)
    hubs = np.stack([rings[0].mean(0), rings[-1].mean(0)])
    first, last = along * around, along * around + 1
    start = np.stack([np.full(around, first), np.roll(ids[0], -1), ids[0]], -1)
    stop = np.stack([np.full(around, last), ids[-1], np.roll(ids[-1], -1)], -1)
    faces = np.concatenate([sides, start, stop]).astype(np.int32)
    around_of = np.concatenate([np.tile(np.tile(np.arange(around), 2), along - 1), np.zeros(2 * around, int)])
    enamel = (around_of >= 4 * _FINE) & (around_of < (17 - 5) * _FINE)
    return Mesh(np.concatenate([rings.reshape(-1, 3), hubs]).astype(np.float32), faces, enamel)


def _turned(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices * np.array([1, 1, -1], np.float32), mesh.faces[:, ::-1].copy(), mesh.enamel)
