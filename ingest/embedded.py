"""The text of pictures that stand within another document: scans and screenshots in a report."""

from __future__ import annotations

import hashlib
import io
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from ingest import ocr
from ingest.blocks import pieces
from ingest.document import Piece, Reading
from ingest.doubts import Doubt
from ingest.limits import Limits
from ingest.picture import upright

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[str, int, int], None]

_SMALLEST_SIDE: Final = 32  # pixels; lower or narrower ones are rules and icons,
_SMALLEST_AREA: Final = 20_000  # and smaller ones logos
_SURE, _FEW_LETTERS = 0.8, 3  # certainty and letters of a label; a photograph's grain is read as
_LIKELY, _LETTERS = 0.55, 20  # less, as receipts are which have many more

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000")  # of Pillow's readers
_UNKNOWN: Final = "damaged, or in a format that is not read within documents, such as EMF or SVG"


class EmbeddedPictures:
    """Reads the pictures of one document, each once, within its limits on number, size and time.

    Small ones are passed over; what is not read for another reason is told by :meth:`end`.
    """

    def __init__(
        self,
        limits: Limits,
        languages: str,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._languages = languages
        self._progress = progress
        self._clock = clock
        self._seen: set[bytes] = set()
        self._seconds = 0.0
        self._done, self._total = 0, 0
        self._recognised = 0
        self._unread: Counter[str] = Counter()
        self._certainties: list[float] = []
        self._doubts: list[Doubt] = []

    def reporting(self, progress: Progress) -> Self:
        """Return itself, with what it reads from now on told to ``progress``."""
        self._progress = progress
        self._done, self._total = 0, 0
        return self

    def expect(self, count: int) -> None:
        """Note that so many more pictures will be given to :meth:`read`."""
        self._total += count
        if count:
            self._progress("ocr", self._done, self._total)

    def read(self, data: bytes | None, page: int | None = None) -> list[Piece]:
        """Return what the picture says, if that is anything new; ``None`` is one that is lost."""
        found = [] if self._is_known(data) else self._read(data, page)
        self._done += 1
        self._total = max(self._total, self._done)
        self._progress("ocr", self._done, self._total)
        return [Piece("text" if p.kind == "title" else p.kind, p.text, page) for p in found]

    def end(self, reading: Reading) -> None:
        """Note in ``reading`` how certain the words are and which pictures were not read."""
        reading.ocr_pages += len(self._certainties)
        reading.doubts += self._doubts
        if self._certainties:
            mean = sum(self._certainties) / len(self._certainties)
            before = reading.ocr_confidence
            reading.ocr_confidence = mean if before is None else min(mean, before)
        reading.warnings += (
            f"Pictures within the text that were not read, {count}: {reason}."
            for reason, count in self._unread.items()
        )

    def _is_known(self, data: bytes | None) -> bool:
        if data is None:
            return False
        key = hashlib.blake2b(data, digest_size=16).digest()
        is_known = key in self._seen
        self._seen.add(key)
        return is_known

    def _read(self, data: bytes | None, page: int | None) -> list[Piece]:
        began = self._clock()
        image = self._opened(data or b"")
        found = self._recognise(image, page) if image else []
        self._seconds += self._clock() - began
        return found

    def _opened(self, data: bytes) -> Image | None:
        """Return the picture; ``None`` for a small one, and for one that is told as not read."""
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = self._limits.max_picture_pixels
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                if _is_small(image.size):
                    return None
                reason = self._refusal(image.size)
                if reason is None:
                    return upright(image)
        except Image.DecompressionBombError:
            reason = self._too_large
        except (OSError, SyntaxError, EOFError, ValueError, TypeError):
            reason = _UNKNOWN
        self._unread[reason] += 1
        return None

    def _refusal(self, size: tuple[int, int]) -> str | None:
        """Return why a picture of that size is not read, if it is not."""
        limits = self._limits
        if size[0] * size[1] > limits.max_picture_pixels:
            return self._too_large
        if self._recognised >= limits.max_pictures:
            return f"{limits.max_pictures} were read, as many as are allowed: split the document"
        if self._seconds >= limits.max_picture_seconds:
            return f"those before took {limits.max_picture_seconds:g} seconds: split the document"
        return None

    @property
    def _too_large(self) -> str:
        return f"of more than {self._limits.max_picture_pixels} pixels: make it smaller"

    def _recognise(self, image: Image, page: int | None) -> list[Piece]:
        self._recognised += 1
        found = ocr.recognise(image, 1, self._languages)
        if found.doubt is not None:
            self._doubts.append((page, found.doubt))
        letters = sum(c.isalnum() for line in found.lines for c in line.text)
        if found.confidence < (_LIKELY if letters >= _LETTERS else _SURE) or letters < _FEW_LETTERS:
            return []
        self._certainties.append(found.confidence)
        return pieces(found.lines)


def _is_small(size: tuple[int, int]) -> bool:
    return min(size) < _SMALLEST_SIDE or size[0] * size[1] < _SMALLEST_AREA
