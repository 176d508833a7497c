"""Pictures of any mode as grey ones, dark on light, in a size Tesseract takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_LAYERED: Final = ("RGBA", "LA", "P", "PA", "La", "RGBa")
_DEEP: Final = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_DARK: Final = 70  # grey below which most of a page must lie to be light on dark
_MOST_PIXELS: Final = 40_000_000


def in_grey(image: Image) -> Image:
    """Return the picture in grey, dark on light, with at most 40 million pixels."""
    grey = _light(_flat(_lessened(image)))
    return _inverted(grey) if _is_dark(grey) else grey


def scaled(image: Image, factor: float) -> Image:
    import PIL.Image

    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, PIL.Image.Resampling.LANCZOS)


def _lessened(image: Image) -> Image:
    pixels = image.width * image.height
    if pixels <= _MOST_PIXELS:
        return image
    plain = image.convert("L") if image.mode in ("1", "RGB", "CMYK", "YCbCr") else image
    return scaled(plain, (_MOST_PIXELS / pixels) ** 0.5)


def _flat(image: Image) -> Image:
    """Return the picture without layers: on white, or on black where what shows is light."""
    import PIL.Image

    if image.mode not in _LAYERED or not image.has_transparency_data:
        return image
    layered = image.convert("RGBA")
    shown = np.asarray(layered.convert("L"))[np.asarray(layered.getchannel("A")) > 127]
    ground = "black" if shown.size and np.percentile(shown, 10) > 127 else "white"
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", layered.size, ground), layered)


def _light(image: Image) -> Image:
    """Return the picture with 256 greys. Those of finer ones are spread over them: converting
    cuts off whatever is above 255."""
    import PIL.Image

    if image.mode not in _DEEP:
        return image.convert("L")
    fine = np.asarray(image, dtype=np.float32)
    low, high = float(np.nanmin(fine)), float(np.nanmax(fine))
    spread = (fine - low) * (255.0 / max(high - low, 1e-6))
    return PIL.Image.fromarray(np.nan_to_num(spread).astype(np.uint8))


def _is_dark(grey: Image) -> bool:
    return float(np.median(np.asarray(grey.reduce(max(1, max(grey.size) // 200))))) < _DARK


def _inverted(grey: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.invert(grey)
