"""The sheet in a photograph: cut out of its surroundings, made flat, lit evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ingest.document import Box
from ingest.turning import clamped

if TYPE_CHECKING:
    from PIL.Image import Image

Corners = tuple[tuple[float, float], ...]  # top left, top right, bottom right, bottom left
Pixels = NDArray[np.float32]

_LIGHT_SIDE: Final = 400  # pixels of the longer side of the copy in which light is measured
_STROKES: Final = 3  # times 8 pixels of it: wider strokes would be taken for shadows
_EVEN: Final = 0.82  # share of the brightest paper's light that its darkest part still has
_INK, _PAPER, _FEWEST_GREYS = 40, 216, 0.05  # less grey between them: no light is seen
_DARKEST: Final = 12.0  # no paper is darker; keeps the division from blowing up noise
_SHEET_SIDE: Final = 240
_SMALLEST_SHEET: Final = 0.2  # of the picture
_LARGEST_SHEET: Final = 0.97  # a sheet that fills the picture needs no cutting out
_BRIGHT_RIM: Final = 0.6  # of the picture's rim: the sheet reaches all around
_FILLED: Final = 0.93  # of its quadrangle: the bright part is a sheet and not some shape
_BRIGHTER: Final = 30.0  # grey levels between a sheet's edge and what it lies on


def evened(grey: Image) -> Image:
    """Return the picture as if light fell on it evenly; itself where it does.

    The light is the brightest of each neighbourhood, since paper is brighter than what is on it.
    """
    import PIL.Image

    shades = grey.histogram()
    if sum(shades[_INK:_PAPER]) < _FEWEST_GREYS * sum(shades):
        return grey
    light = _light(grey)
    low, high = np.percentile(light, (2, 98))
    if low >= _EVEN * high:
        return grey
    small = PIL.Image.fromarray(light)
    even = np.asarray(small.resize(grey.size, PIL.Image.Resampling.BICUBIC), dtype=np.float32)
    flat = np.asarray(grey, dtype=np.float32) * (245.0 / np.maximum(even, _DARKEST))
    return PIL.Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8))


def _light(grey: Image) -> Pixels:
    """Return the brightness of the paper, in a small copy."""
    from PIL import ImageFilter

    small = grey.reduce(max(1, max(grey.size) // _LIGHT_SIDE))
    for brightest_first in (ImageFilter.MaxFilter, ImageFilter.MinFilter):
        for _ in range(_STROKES):
            small = small.filter(brightest_first(9))
    return np.asarray(small.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float32)


def sheet_corners(grey: Image) -> Corners | None:
    """Return the corners, 0-1, of a bright sheet on a darker ground; ``None`` without one."""
    small = grey.reduce(max(1, max(grey.size) // _SHEET_SIDE))
    pixels = np.asarray(small, dtype=np.float32)
    if float(np.ptp(pixels)) < _BRIGHTER:
        return None
    threshold = _between(pixels)
    if np.mean(_rim(pixels) > threshold) > _BRIGHT_RIM:
        return None
    bright = _closed(pixels > threshold)
    sheet = _largest_part(bright)
    share = float(sheet.mean())
    if not _SMALLEST_SHEET < share < _LARGEST_SHEET:
        return None
    corners = _extremes(sheet)
    is_full = sheet.sum() >= _FILLED * _area(corners)
    if not is_full or _step(pixels, sheet) < _BRIGHTER:
        return None
    height, width = pixels.shape
    return tuple((x / width, y / height) for x, y in corners)


def _rim(pixels: Pixels) -> Pixels:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _between(pixels: Pixels) -> float:
    """Return the grey that parts dark from bright best (Otsu 1979)."""
    counts, edges = np.histogram(pixels, 64, (0, 256))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[int(np.nanargmax(apart)) + 1])


def _closed(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill what is written on the sheet."""
    import PIL.Image
    from PIL import ImageFilter

    mask = PIL.Image.fromarray(bright.astype(np.uint8) * 255)
    closed = mask.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.MinFilter(7))
    return np.asarray(closed) > 0


def _largest_part(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the connected part that fills the middle of the picture best."""
    import PIL.Image
    from PIL import ImageDraw

    mask = PIL.Image.fromarray(bright.astype(np.uint8))
    best = np.zeros_like(bright)
    for x in (0.5, 0.3, 0.7):
        for y in (0.5, 0.3, 0.7):
            at = (int(x * mask.width), int(y * mask.height))
            if mask.getpixel(at) != 1:
                continue
            ImageDraw.floodfill(mask, at, 2)
            part = np.asarray(mask) == 2
            best = part if part.sum() > best.sum() else best
            mask = mask.point([0, 1, 0] + [0] * 253)
    return best


def _step(pixels: Pixels, sheet: NDArray[np.bool_]) -> float:
    """Return how much darker it is right outside the sheet; where light fades it is hardly."""
    import PIL.Image
    from PIL import ImageFilter

    mask = PIL.Image.fromarray(sheet.astype(np.uint8))
    inner = sheet & (np.asarray(mask.filter(ImageFilter.MinFilter(7))) == 0)
    outer = ~sheet & (np.asarray(mask.filter(ImageFilter.MaxFilter(7))) == 1)
    return float(np.median(pixels[inner]) - np.median(pixels[outer]))


def _extremes(sheet: NDArray[np.bool_]) -> Corners:
    ys, xs = np.nonzero(sheet)
    ends = ((xs + ys).argmin(), (xs - ys).argmax(), (xs + ys).argmax(), (xs - ys).argmin())
    # The far ends of the last pixels belong to the sheet, too.
    grows = ((0, 0), (1, 0), (1, 1), (0, 1))
    return tuple(
        (float(xs[i] + gx), float(ys[i] + gy)) for i, (gx, gy) in zip(ends, grows, strict=True)
    )


def _area(corners: Corners) -> float:
    xs, ys = np.array(corners).T
    return float(abs(xs @ np.roll(ys, 1) - ys @ np.roll(xs, 1)) / 2)


class Sheet:
    """A picture's sheet as a picture of its own, and the way back."""

    def __init__(self, grey: Image, corners: Corners) -> None:
        self._given = grey.size
        places = [(x * grey.width, y * grey.height) for x, y in corners]
        top, right, bottom, left = (
            float(np.hypot(bx - ax, by - ay))
            for (ax, ay), (bx, by) in zip(places, places[1:] + places[:1], strict=True)
        )
        width, height = round(max(top, bottom)), round(max(left, right))
        flat = (
            (0.0, 0.0),
            (float(width), 0.0),
            (float(width), float(height)),
            (0.0, float(height)),
        )
        self._size = (width, height)
        self._way = _perspective(flat, places)
        self.image = self._cut_out(grey)

    def _cut_out(self, grey: Image) -> Image:
        import PIL.Image

        method, how = PIL.Image.Transform.PERSPECTIVE, PIL.Image.Resampling.BICUBIC
        return grey.transform(self._size, method, tuple(self._way), how, fillcolor=255)

    def back(self, box: Box) -> Box:
        """Return the box around a box of the sheet in the picture it was cut out of."""
        a, b, c, d, e, f, g, h = self._way
        xs, ys = [], []
        for x_share, y_share in ((box[i], box[j]) for i in (0, 2) for j in (1, 3)):
            x, y = x_share * self._size[0], y_share * self._size[1]
            scale = g * x + h * y + 1
            xs.append((a * x + b * y + c) / scale / self._given[0])
            ys.append((d * x + e * y + f) / scale / self._given[1])
        return clamped(min(xs), min(ys), max(xs), max(ys))


def _perspective(
    source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]
) -> list[float]:
    """Return the eight numbers of the perspective that takes four points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(n) for n in np.linalg.solve(np.array(rows), np.array(values))]
