"""The form of a dental arch: half an ellipse with straight ends, and where each tooth stands on it.

Millimetres: x to the patient's left, y to the back, the origin between the middle incisors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.film import Floats
from samples.teeth import Tooth, half

_REACH, _HALF_WIDTH = 50.0, 31.0
_TURN = np.linspace(0, np.pi / 2, 150, dtype=np.float32)
_BACK = np.linspace(0.5, 14, 20, dtype=np.float32)

X: Floats = np.concatenate([_HALF_WIDTH * np.sin(_TURN), _HALF_WIDTH + 0.22 * _BACK])
Y: Floats = np.concatenate([_REACH * (1 - np.cos(_TURN)), _REACH + _BACK])
LENGTH: Floats = np.concatenate(
    [np.zeros(1, np.float32), np.cumsum(np.hypot(np.diff(X), np.diff(Y)), dtype=np.float32)]
)
TOOTHED = float(LENGTH[len(_TURN) - 1]) * 0.985


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of the arch that a tooth takes, measured from the midline."""

    tooth: Tooth
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a tooth meets the biting plane, and the direction of the row there."""

    tooth: Tooth
    x: float
    y: float
    angle: float


def spans(jaw: str) -> tuple[Span, ...]:
    """Return the stretches of one half of `jaw`, which together fill the toothed part."""
    row = half(jaw)
    edges = np.cumsum([0.0] + [tooth.width for tooth in row])
    edges *= TOOTHED / edges[-1]
    return tuple(Span(tooth, float(a), float(b)) for tooth, a, b in zip(row, edges, edges[1:], strict=False))


def at(length: Floats) -> tuple[Floats, Floats]:
    """Return the points at `length` from the midline on the left half."""
    return np.interp(length, LENGTH, X).astype(np.float32), np.interp(length, LENGTH, Y).astype(np.float32)


def standings(jaw: str) -> tuple[Standing, ...]:
    """Return all sixteen teeth of `jaw`, the left half first."""
    found: list[Standing] = []
    for side in (1, -1):
        for span in spans(jaw):
            middle = (span.start + span.stop) / 2
            x, y = at(np.array([middle, middle + 1], np.float32))
            angle = float(np.arctan2(y[1] - y[0], side * (x[1] - x[0])))
            found.append(Standing(span.tooth, side * float(x[0]), float(y[0]), angle))
    return tuple(found)
