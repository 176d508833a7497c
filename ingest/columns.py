"""Reading order of a page: columns of prose that were written across, tables written down."""

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
_LONGEST_CELL: Final = 30  # characters; columns of prose have longer lines
_FEWEST_COLUMNS: Final = 3  # of a table whose cells were written one below the other,
_FEWEST_ROWS: Final = 3  # and so many rows with as many cells
_SAME_ROW: Final = 0.5  # of the lower line's height


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return a page's lines, those across two columns parted: the left column, then the right.

    A line that crosses the gutter, as a title does, ends both columns above it.
    """
    gutter = _gutter(lines)
    return _in_rows(lines) if gutter is None else list(_by_column(lines, gutter))


def _in_rows(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, those that are cells of one row joined: some write tables by columns."""
    rows = [row for row in _rows(lines) if len(row) >= _FEWEST_COLUMNS]
    if len(rows) < _FEWEST_ROWS:
        return list(lines)
    joined = {id(row[0]): _joined(row) for row in rows}
    inside = {id(line) for row in rows for line in row[1:]}
    return [joined.get(id(line), line) for line in lines if id(line) not in inside]


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the rows of short lines that stand beside each other, from left to right."""
    cells = [line for line in lines if line.cells == 1 and len(line.text) <= _LONGEST_CELL]
    rows: list[list[Line]] = []
    for line in sorted(cells, key=lambda line: (line.box[1] + line.box[3], line.box[0])):
        if rows and _is_in_row(line, rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box[0]) for row in rows]


def _is_in_row(line: Line, row: Sequence[Line]) -> bool:
    """Whether a line stands at the height of a row's first and beside all of its lines."""
    first = row[0].box
    overlap = min(first[3], line.box[3]) - max(first[1], line.box[1])
    is_level = overlap >= _SAME_ROW * min(first[3] - first[1], line.box[3] - line.box[1])
    return is_level and all(
        line.box[2] <= other.box[0] or other.box[2] <= line.box[0] for other in row
    )


def _joined(row: Sequence[Line]) -> Line:
    boxes = [line.box for line in row]
    parts = tuple(Cell(line.text, line.box[0], line.box[2]) for line in row)
    box = boxes[0][0], min(b[1] for b in boxes), boxes[-1][2], max(b[3] for b in boxes)
    return replace(row[0], text=" ".join(line.text for line in row), box=box, parts=parts)


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
