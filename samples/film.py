"""A film in the making: outlines in millimetres become attenuation, attenuation becomes pixels.

Attenuation adds up along a ray, so parts are simply added, in any order; what is hollow is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.floating[Any]]
Points = NDArray[np.float64]

_STEPS = np.linspace(0, 1, 8, endpoint=False)[:, None]


def smooth(points: Points, closed: bool) -> Points:
    """Return a Catmull-Rom curve through `points`."""
    if len(points) < 3:
        return points
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    pieces = [_piece(padded[i : i + 4]) for i in range(len(padded) - 3)]
    return np.concatenate([*pieces, padded[-2:-1]])


def _piece(p: Points) -> Points:
    t = _STEPS
    cubic = 3 * (p[1] - p[2]) + p[3] - p[0]
    square = 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    curve: Points = 0.5 * (2 * p[1] + (p[2] - p[0]) * t + square * t**2 + cubic * t**3)
    return curve


def grain(rng: np.random.Generator, shape: tuple[int, int], *sizes: tuple[float, float]) -> Floats:
    """Return noise of unit deviation: specks about as many pixels across as each size says, by its weight."""
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    rows = np.fft.fftfreq(shape[0])[:, None].astype(np.float32)
    columns = np.fft.rfftfreq(shape[1])[None, :].astype(np.float32)
    square = 2 * np.pi**2 * (rows**2 + columns**2)
    spectrum *= np.sum([weight * np.exp(-square * size**2) for size, weight in sizes], axis=0)
    field: Floats = np.fft.irfft2(spectrum, s=shape).astype(np.float32)
    field /= field.std()
    return field


def quantum(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return noise of unit deviation that neighbours share: a detector blurs a little."""
    raw = rng.standard_normal(shape, dtype=np.float32)
    raw += np.roll(raw, 1, 0)
    raw += np.roll(raw, 1, 1)
    return raw / 2


@dataclass(frozen=True, slots=True)
class Frame:
    """Where millimetres lie on the film: `left` and `top` are the coordinates of its corner."""

    left: float
    top: float
    spacing: float
    rows: int
    columns: int


class Film:
    """Attenuation over a frame, zero at first."""

    def __init__(self, frame: Frame, rng: np.random.Generator) -> None:
        self._frame = frame
        self._rng = rng
        self.attenuation: Floats = np.zeros((frame.rows, frame.columns), np.float32)
        coarse, fine = 0.8 / frame.spacing, 0.32 / frame.spacing
        self._trabeculae = grain(rng, (frame.rows, frame.columns), (fine, 1.0), (coarse, -0.9))

    def area(self, outline: Points, amount: float, soft: float, texture: float = 0.0) -> None:
        """Add `amount` inside `outline`, its edge blurred by `soft` mm, with the pattern of spongy bone."""
        window, mask = self._mask(outline, soft, None)
        self._add(window, mask, amount, texture)

    def line(self, path: Points, width: float, amount: float, soft: float) -> None:
        """Add `amount` along `path`, `width` mm wide: a cortical plate, a canal, a suture."""
        window, mask = self._mask(path, soft, width)
        self._add(window, mask, amount, 0.0)

    def _add(self, window: tuple[slice, slice], mask: Floats, amount: float, texture: float) -> None:
        weight = amount + texture * self._trabeculae[window] if texture else amount
        self.attenuation[window] += mask * weight

    def _mask(self, points: Points, soft: float, width: float | None) -> tuple[tuple[slice, slice], Floats]:
        frame = self._frame
        pixels = (points - (frame.left, frame.top)) / frame.spacing
        blur = soft / frame.spacing
        margin = 3 * blur + (width or 0) / frame.spacing + 2
        low = np.clip(np.floor(pixels.min(0) - margin), 0, (frame.columns, frame.rows)).astype(int)
        high = np.clip(np.ceil(pixels.max(0) + margin), 0, (frame.columns, frame.rows)).astype(int)
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        if (high <= low).any():
            return window, np.zeros((max(0, high[1] - low[1]), max(0, high[0] - low[0])), np.float32)
        canvas = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])))
        path = [(float(x), float(y)) for x, y in pixels - low]
        if width is None:
            ImageDraw.Draw(canvas).polygon(path, fill=255)
        else:
            ImageDraw.Draw(canvas).line(path, fill=255, width=max(1, round(width / frame.spacing)), joint="curve")
        blurred = canvas.filter(ImageFilter.GaussianBlur(blur))
        return window, np.asarray(blurred, np.float32) / np.float32(255)

    def exposed(self, bits: int, contrast: float = 0.62, noise: float = 0.008) -> NDArray[np.uint16]:
        """Return the film as `bits` wide pixels, what attenuates most brightest, with quantum noise."""
        shade = 1 - np.exp(-contrast * np.maximum(self.attenuation, 0))
        shade += noise * quantum(self._rng, shade.shape) * (0.6 + np.sqrt(shade)) + 0.02
        top = (1 << bits) - 1
        pixels: NDArray[np.uint16] = np.round(np.clip(shade, 0, 1) * top).astype(np.uint16)
        return pixels
