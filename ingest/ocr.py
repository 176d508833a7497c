"""Read the text of a picture with Tesseract, whichever way up it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING

from ingest.bands import bands, within
from ingest.document import Box
from ingest.doubts import UNKNOWN, is_in_other_script, other_language
from ingest.grey import in_grey, scaled
from ingest.ideographs import closed
from ingest.lines import Line
from ingest.paper import Sheet, evened, sheet_corners
from ingest.rows import is_in_rows
from ingest.skew import skew_of
from ingest.tables import Cell
from ingest.tesseract import AUTOMATIC, ONE_BLOCK, Attempt, Word, read
from ingest.turning import rotated, rotated_back, turned, turned_back

if TYPE_CHECKING:
    from PIL.Image import Image

_UPRIGHT = 70.0  # mean certainty from which no other way up is tried
_FEWEST_WORDS = 3
_NOISE = 35.0  # mean certainty below which the picture holds no text but ink
_PROBE_SIDE = 1400  # pixels of the longer side when only the way up is asked
_SMALL_WIDTH = 1250  # pixels below which type is too small for Tesseract, as on receipts
_SMALL_TYPE = 17  # pixels of a word's height, below which it is read better
_GOOD_TYPE = 30  # at this height
_AS_GOOD = 0.97  # of the score: rows that stay together are worth the rest
_LARGEST_SIDE = 10_000
_CELL_GAP = 1.6  # as in ingest.lines


@dataclass(frozen=True)
class Recognised:
    """A picture's lines, top left first, and the mean certainty (0-1) of its words.

    ``turned`` are the degrees, clockwise, by which it was turned to be read. ``doubt`` is the
    language that it may be in instead of those in which it was read, if any.
    """

    lines: list[Line]
    confidence: float
    turned: int
    doubt: str | None = None

    @property
    def score(self) -> float:
        return sum(len(line.text) for line in self.lines) * self.confidence

    def seen_by(self, back: Callable[[Box], Box]) -> Recognised:
        """Return it with the lines' places as they are in the picture that ``back`` leads to."""
        lines = [replace(line, place=back(line.place or line.box)) for line in self.lines]
        return replace(self, lines=lines)


def recognise(image: Image, page: int, languages: str) -> Recognised:
    """Return the lines of ``image``; ``languages`` are Tesseract's, joined by ``+``.

    Light on dark is inverted, uneven light evened, a page that lies askew turned level. Of a sheet
    that was photographed on a table the sheet alone is read as well, and the better reading taken.
    Lines' boxes are on the page as it is read, their places in the picture as it was given, 0-1
    from the top left. Raises ``RuntimeError`` without Tesseract or the language.
    """
    found = _recognise_sheet(image, page, languages)
    if found.doubt is None:
        text = " ".join(line.text for line in found.lines)
        found = replace(found, doubt=other_language(text, languages))
    return found


def _recognise_sheet(image: Image, page: int, languages: str) -> Recognised:
    grey = in_grey(image)
    whole = _recognise_flat(grey, page, languages)
    corners = sheet_corners(grey)
    if corners is None:
        return whole
    sheet = Sheet(grey, corners)
    cut = _recognise_flat(sheet.image, page, languages).seen_by(sheet.back)
    return max(cut, whole, key=lambda found: found.score)


def _recognise_flat(grey: Image, page: int, languages: str) -> Recognised:
    even = evened(grey)
    angle = skew_of(even)
    if not angle:
        return _recognise_level(even, page, languages)
    level = rotated(even, angle)
    found = _recognise_level(level, page, languages).seen_by(
        lambda box: rotated_back(box, angle, level.size, even.size)
    )
    if found.confidence * 100 >= _UPRIGHT:
        return found
    as_given = _recognise_level(even, page, languages)  # what looks askew may be no text
    return max(found, as_given, key=lambda reading: reading.score)


def _recognise_level(grey: Image, page: int, languages: str) -> Recognised:
    """Read the picture band by band, if it is a very long one."""
    parts = [
        _moved(_recognise_band(band, page, languages), top, band.height, grey.height)
        for top, band in bands(grey)
    ]
    if len(parts) == 1:
        return parts[0]
    lines = [line for part in parts for line in part.lines]
    weights = [(part.confidence, sum(len(o.text) for o in part.lines)) for part in parts]
    characters = sum(n for _, n in weights)
    doubt = next((part.doubt for part in parts if part.doubt is not None), None)
    return Recognised(lines, sum(c * n for c, n in weights) / max(characters, 1), 0, doubt)


def _moved(found: Recognised, top: int, part: int, whole: int) -> Recognised:
    if part == whole:
        return found
    lines = [
        replace(
            line,
            box=within(line.box, top, part, whole),
            place=line.place and within(line.place, top, part, whole),
            size=line.size * part / whole,
        )
        for line in found.lines
    ]
    return replace(found, lines=lines)


def _recognise_band(grey: Image, page: int, languages: str) -> Recognised:
    """Read the picture upright; if that is doubtful, the way up that a small copy reads best."""
    upright = _read_best(grey, languages)
    if upright.certainty >= _UPRIGHT and len(upright.words) >= _FEWEST_WORDS:
        return _result(upright, page, 0)
    turn = _best_turn(grey, languages)
    if turn == 0:
        return _result(upright, page, 0)
    other = _read_best(turned(grey, turn), languages)
    better, way = max(((other, turn), (upright, 0)), key=lambda pair: pair[0].score)
    return _result(better, page, way)


def _read_best(grey: Image, languages: str) -> Attempt:
    """Read with automatic layout; small pictures and small type enlarged, and pictures and pages
    of short texts side by side, as receipts and forms are, as a single block as well.
    """
    if grey.width < _SMALL_WIDTH:
        enlarged = scaled(grey, _within_limits(grey, 2.0))
        return _best([read(enlarged, languages, mode) for mode in (ONE_BLOCK, AUTOMATIC)])
    factor = _within_limits(grey, 1.0)
    sized = scaled(grey, factor) if factor < 1 else grey
    found = read(sized, languages, AUTOMATIC)
    if 0 < found.word_height < _SMALL_TYPE:
        sized = scaled(grey, _within_limits(grey, factor * _GOOD_TYPE / found.word_height))
        found = _best([found, read(sized, languages, AUTOMATIC)])
    if is_in_rows(found):
        by_rows = read(sized, languages, ONE_BLOCK)
        return by_rows if by_rows.score >= _AS_GOOD * found.score else found
    return found


def _best(attempts: list[Attempt]) -> Attempt:
    return max(attempts, key=lambda attempt: attempt.score)


def _within_limits(grey: Image, factor: float) -> float:
    return min(factor, _LARGEST_SIDE / max(grey.size))


def _best_turn(grey: Image, languages: str) -> int:
    """Return the degrees, clockwise, after which a small copy reads best."""
    small = scaled(grey, min(1.0, _PROBE_SIDE / max(grey.size)))
    scores = {
        turn: read(turned(small, turn), languages, AUTOMATIC).score for turn in (0, 90, 180, 270)
    }
    return max(scores, key=lambda turn: scores[turn])


def _result(attempt: Attempt, page: int, turn: int) -> Recognised:
    words = attempt.words if attempt.certainty >= _NOISE else []
    lines = [
        _line(list(row), attempt.size, page)
        for _, row in groupby(words, key=lambda word: word.place)
    ]
    size = median([line.size for line in lines]) if lines else 0.0
    even = [replace(line, size=size) for line in lines]
    doubt = UNKNOWN if is_in_other_script(attempt) else None
    found = Recognised(even, attempt.certainty / 100, turn, doubt)
    return found.seen_by(lambda box: turned_back(box, turn)) if turn else found


def _line(words: list[Word], size: tuple[int, int], page: int) -> Line:
    lefts, tops, rights, bottoms = zip(*(word.box for word in words), strict=True)
    height = median([bottom - top for top, bottom in zip(tops, bottoms, strict=True)])
    box = (min(lefts) / size[0], min(tops) / size[1], max(rights) / size[0], max(bottoms) / size[1])
    return Line(
        text=closed(" ".join(word.text for word in words)),
        page=page,
        box=box,
        size=height / size[1],
        parts=tuple(_cells(words, _CELL_GAP * height, size[0])),
    )


def _cells(words: list[Word], gap: float, width: int) -> Iterator[Cell]:
    """Yield the runs of words with wide gaps between them, if there are several."""
    runs = [[words[0]]]
    for before, word in pairwise(words):
        if word.box[0] - before.box[2] > gap:
            runs.append([])
        runs[-1].append(word)
    if len(runs) > 1:
        for run in runs:
            left, right = run[0].box[0] / width, run[-1].box[2] / width
            text = closed(" ".join(word.text for word in run))
            yield Cell(text, left, max(left, right))
