"""Reading order of a page whose two columns of text were written line by line across both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from ingest.lines import Line
from ingest.tables import Cell

_FEWEST_LINES: Final = 4  # that stand in both columns
_SHORTEST: Final = 18  # characters of prose in a column's line
_LETTERS: Final = 0.6  # share of letters and blanks in prose
_FULL: Final = 0.8  # of the widest line's width; rows of tables are seldom so full
_MOST: Final = 0.7  # of the lines


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return a page's lines, those across two columns parted: the left column, then the right.

    A line that crosses the gutter, as a title does, ends both columns above it.
    """
    gutter = _gutter(lines)
    return list(lines) if gutter is None else list(_by_column(lines, gutter))


def _gutter(lines: Sequence[Line]) -> float | None:
    """Return the place between two columns of prose, ``None`` if there are no such columns."""
    pairs = [line.parts for line in lines if len(line.parts) == 2 and _are_prose(line.parts)]
    if len(pairs) < _FEWEST_LINES:
        return None
    gutter = median((left.right + right.left) / 2 for left, right in pairs)
    apart = [(left, right) for left, right in pairs if left.right < gutter < right.left]
    are_columns = len(apart) >= _MOST * len(pairs) and all(
        _are_full(column) for column in zip(*apart, strict=True)
    )
    return gutter if are_columns else None


def _are_prose(cells: Sequence[Cell]) -> bool:
    return all(
        len(cell.text) >= _SHORTEST
        and sum(c.isalpha() or c.isspace() for c in cell.text) >= _LETTERS * len(cell.text)
        for cell in cells
    )


def _are_full(cells: Sequence[Cell]) -> bool:
    widths = [cell.right - cell.left for cell in cells]
    return sum(width >= _FULL * max(widths) for width in widths) >= _MOST * len(widths)


def _by_column(lines: Sequence[Line], gutter: float) -> Iterator[Line]:
    left: list[Line] = []
    right: list[Line] = []
    for line in lines:
        halves = _halves(line, gutter)
        if halves is None:
            yield from (*left, *right, line)
            left, right = [], []
        else:
            left += halves[0]
            right += halves[1]
    yield from (*left, *right)


def _halves(line: Line, gutter: float) -> tuple[list[Line], list[Line]] | None:
    """Return what of the line stands left and right of the gutter, ``None`` if it crosses it."""
    cells = line.parts or (Cell(line.text, line.box[0], line.box[2]),)
    if any(cell.left < gutter < cell.right for cell in cells):
        return None
    lefts = [cell for cell in cells if cell.right <= gutter]
    rights = [cell for cell in cells if cell.left >= gutter]
    return [_of(line, lefts)] if lefts else [], [_of(line, rights)] if rights else []


def _of(line: Line, cells: Sequence[Cell]) -> Line:
    box = (cells[0].left, line.box[1], cells[-1].right, line.box[3])
    text = " ".join(cell.text for cell in cells)
    return replace(line, text=text, box=box, parts=tuple(cells) if len(cells) > 1 else ())
