"""Whether what was read column by column stands in rows: a form, a list of amounts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Final

from ingest.tesseract import Attempt, Word

_SHORT: Final = 20  # characters of a label or an amount; lines of prose in columns are longer
_FEWEST: Final = 4  # rows that were torn apart, and
_MOST: Final = 0.3  # of all lines: so many make a page that is to be read again
_SAME_ROW: Final = 0.5  # of the lower line's height

_Span = tuple[int, int, int, int]


def is_in_rows(attempt: Attempt) -> bool:
    """Whether many short lines of one block have a line of another beside them."""
    blocks = [list(words) for _, words in groupby(attempt.words, lambda word: word.place[0])]
    lines = [_lines(words) for words in blocks]
    total = sum(len(block) for block in lines)
    torn = sum(_torn(block, other) for i, block in enumerate(lines) for other in lines[i + 1 :])
    return torn >= max(_FEWEST, _MOST * total / 2)


def _lines(words: Sequence[Word]) -> list[tuple[int, _Span]]:
    """Return the lines' numbers of characters and boxes."""
    rows = [list(row) for _, row in groupby(words, lambda word: word.place)]
    return [(sum(len(word.text) + 1 for word in row) - 1, _around(row)) for row in rows]


def _around(row: Sequence[Word]) -> _Span:
    lefts, tops, rights, bottoms = zip(*(word.box for word in row), strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def _torn(one: Sequence[tuple[int, _Span]], other: Sequence[tuple[int, _Span]]) -> int:
    """Count the rows that both blocks share, if one of them is of short texts."""
    if min(median([n for n, _ in one]), median([n for n, _ in other])) > _SHORT:
        return 0
    return sum(any(_is_beside(a, b) for _, b in other) for _, a in one)


def _is_beside(a: _Span, b: _Span) -> bool:
    overlap = min(a[3], b[3]) - max(a[1], b[1])
    is_same_row = overlap >= _SAME_ROW * min(a[3] - a[1], b[3] - b[1])
    return is_same_row and (a[2] <= b[0] or b[2] <= a[0])
