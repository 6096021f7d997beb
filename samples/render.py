"""Shaded pictures of surfaces, far triangles painted first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from samples.arches import Mesh
from samples.film import Floats

Colour = tuple[int, int, int]

_LIGHT = np.array([-0.205, -0.928, 0.309])


@dataclass(frozen=True, slots=True)
class View:
    """A camera: turned by `yaw` about z, then by `pitch` about x, `scale` pixels a millimetre."""

    yaw: float
    pitch: float
    scale: float
    centre: tuple[float, float, float]
    distance: float = 400.0


def paint(canvas: Image.Image, mesh: Mesh, view: View, enamel: Colour, gum: Colour) -> None:
    """Paint the faces of `mesh` that look at the camera onto `canvas`."""
    turn = _rotation(view)
    corners = (mesh.triangles() - np.array(view.centre, np.float32)) @ turn.T
    normals = mesh.normals() @ turn.T
    near = view.scale * view.distance / (view.distance + corners[..., 1])
    flat = np.stack([corners[..., 0] * near + canvas.width / 2, canvas.height / 2 - corners[..., 2] * near], -1)
    colours = _shaded(mesh.soft_normals() @ turn.T, mesh, enamel, gum)
    seen = np.flatnonzero(normals[:, 1] < 0.02)
    order = seen[np.argsort(-corners[seen, :, 1].mean(1), kind="stable")]
    pen = ImageDraw.Draw(canvas)
    outlines = flat.reshape(-1, 6).tolist()
    fills = colours.tolist()
    for face in order.tolist():
        red, green, blue = fills[face]
        pen.polygon(outlines[face], fill=(red, green, blue))


def _rotation(view: View) -> Floats:
    cy, sy, cp, sp = np.cos(view.yaw), np.sin(view.yaw), np.cos(view.pitch), np.sin(view.pitch)
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn: Floats = (about_x @ about_z).astype(np.float32)
    return turn


def _shaded(normals: Floats, mesh: Mesh, enamel: Colour, gum: Colour) -> NDArray[np.uint8]:
    """Diffuse light from beside the lens, and a gloss on what is wet."""
    half_way = _LIGHT + np.array([0, -1, 0])
    diffuse = np.clip(normals @ _LIGHT, 0, 1)
    gloss = np.clip(normals @ half_way / np.linalg.norm(half_way), 0, 1) ** 40
    base = np.where(mesh.enamel[:, None], enamel, gum)
    colours = base * (0.42 + 0.62 * diffuse[:, None]) + 70 * gloss[:, None]
    shaded: NDArray[np.uint8] = np.clip(colours, 0, 255).astype(np.uint8)
    return shaded
