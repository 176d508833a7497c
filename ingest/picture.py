"""Read pictures: every frame of a scan, the first of an animation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from ingest import ocr
from ingest.blocks import pieces
from ingest.document import Reading
from ingest.failures import CorruptDocument, DocumentTooLarge, TooManyPages
from ingest.limits import Limits
from ingest.lines import Line

Progress = Callable[[str, int, int], None]


def read(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    """Return the text in the picture at ``path``; a TIFF's frames are its pages.

    Raises ``CorruptDocument``, ``DocumentTooLarge``, ``TooManyPages``.
    """
    if limits.ocr == "off":
        return Reading()  # a picture's text is there by recognition only
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _read(path, limits, languages, progress)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise DocumentTooLarge(
                f"The picture has more than {limits.max_pixels} pixels: make it smaller."
            ) from error
        except (UnidentifiedImageError, OSError, SyntaxError, EOFError, ValueError) as error:
            raise CorruptDocument(
                "The picture is damaged and cannot be opened: save it again and upload it."
            ) from error


def _read(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    from PIL import Image, ImageOps

    lines: list[Line] = []
    certainties: list[float] = []
    with Image.open(path) as image:
        total = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if total > limits.max_pages:
            raise TooManyPages(
                f"The picture has {total} pages and {limits.max_pages} are allowed: split it."
            )
        for number in range(1, total + 1):
            image.seek(number - 1)
            progress("ocr", number - 1, total)
            frame = ImageOps.exif_transpose(image) or image
            found = ocr.recognise(frame, number, languages)
            lines += found.lines
            if found.lines:
                certainties.append(found.confidence)
            progress("ocr", number, total)
    return Reading(
        pieces=pieces(lines),
        page_count=total,
        pages_with_text=len({line.page for line in lines}),
        ocr_pages=total,
        ocr_confidence=sum(certainties) / len(certainties) if certainties else None,
    )
