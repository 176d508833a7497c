"""By how much a scanned page lies askew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Places = NDArray[np.int64]

_MOST: Final = 20.0  # degrees
_STEP: Final = 0.25
_LEAST: Final = 0.75  # less than this does Tesseract no harm
_CLEARER: Final = 3.0  # times as clear as about level, or the page is left as it is,
_CLEAR: Final = 3.0  # and times as clear as most angles: lines lie across the page
_SIDE: Final = 900  # pixels of the longer side that is looked at
_POINTS: Final = 30_000
_MOST_INK: Final = 0.4  # share of dark pixels; more is a photograph


def skew_of(grey: Image) -> float:
    """Return the degrees, counter-clockwise, that turn the picture's lines level, or upright where
    the page lies on its side; 0 when unsure.

    Of all angles the one is taken at which the dark pixels of a row differ most from those of the
    next (Postl, "Detection of linear oblique structures and skew scan", 1986).
    """
    small = grey.copy()
    small.thumbnail((_SIDE, _SIDE))
    pixels = np.asarray(small, dtype=np.float32)
    dark, light = np.percentile(pixels, (1, 90))
    ys, xs = np.nonzero(pixels < (dark + light) / 2)
    if not 100 < len(ys) < _MOST_INK * pixels.size:
        return 0.0
    every = max(1, len(ys) // _POINTS)
    ys, xs = ys[::every], xs[::every]
    angles = np.arange(-_MOST, _MOST + _STEP, _STEP)
    across, upwards = _all_clear(xs, ys, angles), _all_clear(ys, -xs, angles)
    clear = max(across, upwards, key=lambda found: float(found.max()))
    level = clear[np.abs(angles) <= _LEAST].max()
    is_clear = clear.max() > max(_CLEARER * level, _CLEAR * float(np.median(clear)))
    return float(angles[int(np.argmax(clear))]) if is_clear else 0.0


def _all_clear(xs: Places, ys: Places, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([_clearness(xs, ys, angle) for angle in np.radians(angles)])


def _clearness(xs: Places, ys: Places, angle: float) -> float:
    """Return how much rows differ from their neighbours once the points are turned."""
    rows = np.rint(ys * np.cos(angle) - xs * np.sin(angle)).astype(np.int64)
    counts = np.bincount(rows - rows.min())
    return float(np.sum(np.diff(counts) ** 2))
