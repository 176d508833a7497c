"""Read pictures: every frame of a scan, the first of an animation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingest import ocr
from ingest.blocks import pieces
from ingest.document import Reading
from ingest.failures import CorruptDocument, DocumentTooLarge, TooManyPages
from ingest.limits import Limits
from ingest.lines import Line

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

Progress = Callable[[str, int, int], None]

_ENOUGH: Final = (5000, 5000)  # pixels of a page at which the smallest type is read


def read(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    """Return the text in the picture at ``path``; a TIFF's frames are its pages.

    Raises ``CorruptDocument``, ``DocumentTooLarge``, ``TooManyPages``.
    """
    if limits.ocr == "off":
        return Reading()  # a picture's text is there by recognition only
    from pi_heif import register_heif_opener
    from PIL import Image, UnidentifiedImageError

    register_heif_opener()  # what iPhones take; Pillow knows AVIF by itself
    Image.MAX_IMAGE_PIXELS = limits.max_picture_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _read(path, limits, languages, progress)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DocumentTooLarge(
                f"The picture has more than {limits.max_picture_pixels} pixels: make it smaller."
            ) from error
        except (
            UnidentifiedImageError,
            OSError,
            SyntaxError,
            EOFError,
            ValueError,
            TypeError,
        ) as error:
            raise CorruptDocument(
                "The picture is damaged and cannot be opened: save it again and upload it."
            ) from error


def _read(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    from PIL import Image

    reading = Reading()
    lines: list[Line] = []
    certainties: list[float] = []
    # Given a path, Pillow maps an uncompressed TIFF with its sides as they are to be shown, which
    # are not those it is stored with where it lies on its side.
    with path.open("rb") as file, Image.open(file) as image:
        total = reading.page_count = _pages(image, limits)
        for number in range(1, total + 1):
            progress("ocr", number - 1, total)
            frame = _frame(image, number, total, reading.warnings)
            if frame is not None:
                found = ocr.recognise(frame, number, languages)
                reading.ocr_pages += 1
                lines += found.lines
                certainties += [found.confidence] if found.lines else []
                if found.doubt is not None:
                    reading.doubts.append((number, found.doubt))
            progress("ocr", number, total)
    if total > 1 and not reading.ocr_pages:
        raise ValueError("none of its pages can be opened")
    reading.pieces = pieces(lines)
    reading.pages_with_text = len({line.page for line in lines})
    reading.ocr_confidence = sum(certainties) / len(certainties) if certainties else None
    return reading


def _pages(image: ImageFile, limits: Limits) -> int:
    total: int = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if total > limits.max_pages:
        raise TooManyPages(
            f"The picture has {total} pages and {limits.max_pages} are allowed: split it."
        )
    return total


def _frame(image: ImageFile, number: int, total: int, told: list[str]) -> Image | None:
    """Return the page as its camera held it; ``None`` for a damaged one among others."""
    try:
        image.seek(number - 1)
        return upright(image)
    except (OSError, SyntaxError, EOFError, ValueError) as error:
        if total == 1:
            raise
        told.append(f"Page {number} is damaged and was left out ({type(error).__name__}).")
        return None


def upright(image: ImageFile) -> Image:
    """Return the opened picture as its camera held it; raises ``OSError`` and the like where it
    is damaged."""
    from PIL import ImageOps

    image.draft(None, _ENOUGH)  # a JPEG is decoded at a half or a quarter where that will do
    image.load()  # what is damaged shows here
    return ImageOps.exif_transpose(image)
