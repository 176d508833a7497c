"""What was filled in on a page, put beside the words that it answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from ingest.annotations import CHECKED, UNCHECKED, Entry
from ingest.document import Box, union
from ingest.lines import Line
from ingest.tables import Cell

_FARTHEST: Final = 0.3  # of the page's width between a field and what it answers
_CLOSE: Final = 0.04  # of it between a box and the words for it
_USUAL_SIZE: Final = 0.012  # of the page's height, on a page without a text of its own
_BLANK: Final = re.compile(r"_{2,}|\.{4,}|…{2,}")  # to be written upon


def filled(lines: Sequence[Line], page: int, entries: Sequence[Entry]) -> list[Line]:
    """Return the page's lines with each entry in the one that it stands in, or below the one that
    it stands under; ``entries`` come from top to bottom."""
    beside: dict[int, list[Entry]] = defaultdict(list)
    alone: list[Entry] = []
    for entry in entries:
        nearest = _nearest(lines, entry)
        (alone if nearest is None else beside[nearest]).append(entry)
    result = [_with(line, beside[index]) for index, line in enumerate(lines)]
    size = median([line.size for line in lines] or [_USUAL_SIZE])
    for entry in alone:
        nearest = _nearest(result, entry)  # another such entry: the row is filled in as a whole
        if nearest is None:
            line = Line(entry.text, page, entry.box, size)
            result.insert(_place(result, entry.box), line)
        else:
            row = result[nearest]
            cells = sorted([*_cells(row), _cell(entry)], key=lambda cell: cell.left)
            result[nearest] = replace(_of(row, cells), place=union([row.shown, entry.box]))
    return result


def _nearest(lines: Sequence[Line], entry: Entry) -> int | None:
    row = (i for i, line in enumerate(lines) if _is_beside(line.box, entry.box))
    return min(row, key=lambda i: _distance(lines[i].box, entry), default=None)


def _is_beside(line: Box, entry: Box) -> bool:
    shared = min(line[3], entry[3]) - max(line[1], entry[1])
    return shared > 0.5 * min(line[3] - line[1], entry[3] - entry[1])


def _distance(line: Box, entry: Entry) -> tuple[bool, float]:
    """What a field answers stands before it, what a box is for behind it: such lines come first."""
    left, _, right, _ = entry.box
    is_other_side = line[2] < left if entry.is_mark else line[0] > left
    return is_other_side, max(line[0] - right, left - line[2], 0.0)


def _with(line: Line, entries: Sequence[Entry]) -> Line:
    """Return the line with each entry upon the blank that was left for it, else with the words that
    it answers, else as a cell."""
    if not entries:
        return line
    cells, answered = _cells(line), set[Cell]()
    for entry in sorted(entries, key=lambda entry: entry.box[0]):
        cell = _answer(cells, entry, answered)
        if not entry.is_mark or cell.text == entry.text:  # behind "☒ Others:" there may be a text
            answered.add(cell)
    if all(cell.text.startswith((f"{CHECKED} ", f"{UNCHECKED} ")) for cell in cells[1:]):
        cells = [Cell(" ".join(cell.text for cell in cells), cells[0].left, cells[-1].right)]
    return replace(_of(line, cells), place=union([line.shown, *(entry.box for entry in entries)]))


def _answer(cells: list[Cell], entry: Entry, answered: set[Cell]) -> Cell:
    """Put the entry among the cells, which are in order; return the one that it is in."""
    left, _, right, _ = entry.box
    for index, cell in enumerate(cells):
        if cell.left <= left < cell.right and (text := _written(cell, left, entry.text)):
            cells[index] = replace(cell, text=text)
            return cells[index]
    after = sum(cell.left < left for cell in cells)  # the first behind it
    if entry.is_mark:
        return _marked(cells, entry, after)
    before = cells[after - 1] if after else None
    if before is None or before in answered or left - before.right > _FARTHEST:
        cells.insert(after, _cell(entry))
        return cells[after]
    cells[after - 1] = Cell(f"{before.text} {entry.text}", before.left, max(before.right, right))
    return cells[after - 1]


def _marked(cells: list[Cell], mark: Entry, after: int) -> Cell:
    """Put the mark before the words close behind it, alone where there are none, as in columns."""
    left, _, right, _ = mark.box
    if after < len(cells) and cells[after].left - right <= _CLOSE:
        words = cells[after]
        cells[after] = Cell(f"{mark.text} {words.text}", left, words.right)
    else:
        cells.insert(after, _cell(mark))
    return cells[after]


def _written(cell: Cell, left: float, text: str) -> str:
    """Return a cell's words with the text in the place of the nearest blank, "" without one."""
    wanted = (left - cell.left) / (cell.right - cell.left) * len(cell.text)
    blanks = list(_BLANK.finditer(cell.text))
    if not blanks:
        return ""
    blank = min(blanks, key=lambda found: abs(found.start() - wanted))
    before, after = cell.text[: blank.start()].rstrip(), cell.text[blank.end() :].lstrip()
    return " ".join(filter(None, (before, text, after)))


def _cells(line: Line) -> list[Cell]:
    return list(line.parts or (Cell(line.text, line.box[0], line.box[2]),))


def _cell(entry: Entry) -> Cell:
    return Cell(entry.text, entry.box[0], entry.box[2])


def _of(line: Line, cells: Sequence[Cell]) -> Line:
    text = " ".join(cell.text for cell in cells)
    return replace(line, text=text, parts=tuple(cells) if len(cells) > 1 else ())


def _place(lines: Sequence[Line], box: Box) -> int:
    """Return where a line of its own belongs: behind the last above it in its column, if any."""
    above = [i for i, line in enumerate(lines) if line.box[1] < box[1]]
    over = [i for i in above if lines[i].box[0] < box[2] and box[0] < lines[i].box[2]]
    return max(over or above, default=-1) + 1
