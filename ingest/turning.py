"""Pictures turned to be read, and where a box of the turned one stands in the given one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ingest.document import Box

if TYPE_CHECKING:
    from PIL.Image import Image


def turned(image: Image, degrees: int) -> Image:
    """Return the picture turned clockwise by a multiple of 90 degrees."""
    import PIL.Image

    ways = {
        90: PIL.Image.Transpose.ROTATE_270,
        180: PIL.Image.Transpose.ROTATE_180,
        270: PIL.Image.Transpose.ROTATE_90,
    }
    return image.transpose(ways[degrees]) if degrees else image


def turned_back(box: Box, degrees: int) -> Box:
    """Return the box in the picture before it was turned clockwise by ``degrees``."""
    x0, y0, x1, y1 = box
    if degrees == 90:
        return (y0, 1 - x1, y1, 1 - x0)
    if degrees == 180:
        return (1 - x1, 1 - y1, 1 - x0, 1 - y0)
    if degrees == 270:
        return (1 - y1, x0, 1 - y0, x1)
    return box


def rotated(grey: Image, angle: float) -> Image:
    """Return the picture turned counter-clockwise about its middle, on white, grown to fit."""
    import PIL.Image

    return grey.rotate(angle, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def rotated_back(box: Box, angle: float, level: tuple[int, int], given: tuple[int, int]) -> Box:
    """Return the box around ``box`` in the picture before it was turned by ``angle`` degrees,
    counter-clockwise, about its middle, and grew to the size ``level``."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    xs, ys = [], []
    for x, y in ((box[i], box[j]) for i in (0, 2) for j in (1, 3)):
        dx, dy = (x - 0.5) * level[0], (y - 0.5) * level[1]
        xs.append((dx * cos - dy * sin) / given[0] + 0.5)
        ys.append((dx * sin + dy * cos) / given[1] + 0.5)
    return clamped(min(xs), min(ys), max(xs), max(ys))


def clamped(*shares: float) -> Box:
    """Return the box of four shares, none of them outside the picture."""
    left, top, right, bottom = (min(1.0, max(0.0, share)) for share in shares)
    return (left, top, right, bottom)
