"""What office files carry inside: pictures of pages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ingest import ocr
from ingest.blocks import pieces
from ingest.document import Piece, Reading
from ingest.limits import Limits

Progress = Callable[[str, int, int], None]

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"})
_SMALLEST_SIDE = 100  # pixels; smaller ones are icons and rules
_MOST_PICTURES = 200


def read_pictures(path: Path, limits: Limits, languages: str, progress: Progress) -> Reading:
    """Return the text in the pictures of an office archive, in the order of their names.

    For documents that have no text of their own: scans pasted on slides or pages.
    """
    reading = Reading()
    certainties: list[float] = []
    with zipfile.ZipFile(path) as archive:
        names = sorted(
            n for n in archive.namelist() if PurePosixPath(n).suffix.lower() in _PICTURES
        )
        for done, name in enumerate(names[:_MOST_PICTURES]):
            progress("ocr", done, len(names))
            found = _recognise(archive.read(name), limits, languages)
            if found is not None and found.lines:
                reading.pieces += [Piece(p.kind, p.text) for p in pieces(found.lines)]
                certainties.append(found.confidence)
    if certainties:
        reading.ocr_confidence = sum(certainties) / len(certainties)
    return reading


def _recognise(data: bytes, limits: Limits, languages: str) -> ocr.Recognised | None:
    """Return what one picture says; ``None`` for those that are too small, too large or damaged."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = image.width * image.height
            if min(image.size) < _SMALLEST_SIDE or pixels > limits.max_pixels:
                return None
            return ocr.recognise(image, 1, languages)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None
