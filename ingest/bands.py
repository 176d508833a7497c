"""A very long picture, such as of a whole web page, cut where nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.document import Box

if TYPE_CHECKING:
    from PIL.Image import Image

_LONG: Final = 4000  # pixels; pages at 300 dots an inch are shorter
_TIMES_AS_HIGH: Final = 3.5  # as wide; receipts at their length are read as one
_BAND: Final = 1.4  # times as high as wide
_LOOK_BACK: Final = 0.3  # of a band, in which its end is looked for


def bands(grey: Image) -> Iterator[tuple[int, Image]]:
    """Yield the parts of the picture from the top with their first rows; one for most pictures."""
    if grey.height < max(_LONG, _TIMES_AS_HIGH * grey.width):
        yield 0, grey
        return
    pixels = np.asarray(grey)
    height = max(1500, round(_BAND * grey.width))
    top = 0
    while top < grey.height:
        end = grey.height if grey.height - top < 1.3 * height else _blank(pixels, top, height)
        yield top, grey.crop((0, top, grey.width, end))
        top = end


def within(box: Box, top: int, part: int, whole: int) -> Box:
    """Return in the whole picture the box of a band that begins in row ``top``."""
    return (box[0], (top + box[1] * part) / whole, box[2], (top + box[3] * part) / whole)


def _blank(pixels: np.ndarray, top: int, height: int) -> int:
    """Return the middle of the emptiest rows near the end of the band."""
    first = top + round(height * (1 - _LOOK_BACK))
    unrest = pixels[first : top + height].std(axis=1)
    emptiest = np.flatnonzero(unrest <= unrest.min() + 0.5)
    gaps = np.split(emptiest, np.flatnonzero(np.diff(emptiest) > 1) + 1)
    widest = max(gaps, key=len)
    return first + int(widest[len(widest) // 2])
