"""An intra-oral photograph from the front: teeth together, lips held away, painted from the two arches."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from samples.arches import Mesh
from samples.film import quantum
from samples.render import View, paint

WIDTH, HEIGHT = 1200, 800
_ENAMEL, _GUM = (238, 229, 206), (214, 128, 124)
_SKIN, _LIP, _CHEEK = (206, 160, 138), (176, 92, 92), (122, 44, 44)


def photograph(upper: Mesh, lower: Mesh, rng: np.random.Generator) -> Image.Image:
    """Return the picture, 1200 x 800."""
    size = (WIDTH * 3 // 2, HEIGHT * 3 // 2)
    canvas = Image.new("RGB", size, (58, 16, 18))
    view = View(0.0, 0.04, 26.0, (0.0, -6.0, 0.4), 110.0)
    paint(canvas, lower, view, _ENAMEL, _GUM)
    paint(canvas, upper, view, _ENAMEL, _GUM)
    framed = _lips(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.1)))
    return _lit(framed, rng)


def _lips(teeth: Image.Image) -> Image.Image:
    """Cheeks, lips and the clear plastic of the retractor close round the opening."""
    rings = (
        ((-70, -60), _SKIN, 30),
        ((-10, 5), _LIP, 16),
        ((45, 52), _CHEEK, 9),
        ((95, 92), None, 22),
    )
    picture = Image.new("RGB", teeth.size, _SKIN)
    for (side, top), colour, blur in rings:
        mask = Image.new("L", teeth.size)
        ImageDraw.Draw(mask).rounded_rectangle((side, top, WIDTH - side, HEIGHT - top), 300, fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(blur))
        layer = teeth if colour is None else Image.new("RGB", teeth.size, colour)
        picture = Image.composite(layer, picture, mask)
    rim = Image.new("RGBA", teeth.size)
    pen = ImageDraw.Draw(rim)
    for side, start in ((0, 118), (1, -62)):
        box = (22 if side == 0 else WIDTH - 322, 110, 322 if side == 0 else WIDTH - 22, HEIGHT - 110)
        pen.arc(box, start, start + 124, fill=(235, 240, 245, 120), width=16)
    rim = rim.filter(ImageFilter.GaussianBlur(2.5))
    return Image.alpha_composite(picture.convert("RGBA"), rim).convert("RGB")


def _lit(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A ring flash falls off to the edges; the sensor adds noise."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    flash = 1.05 - 0.42 * (x**2 + y**2) ** 1.2 / 2
    pixels = np.asarray(picture, np.float32) * flash[..., None]
    pixels += 3.0 * quantum(rng, (HEIGHT, WIDTH))[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
