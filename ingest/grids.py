"""Find the tables among a page's blocks of lines: their sections joined, their heads found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.lines import Line
from ingest.tables import Cell, Column, columns_of, in_columns, joined_amounts, markdown

_BETWEEN_SECTIONS: Final = 2.6  # times the page's usual distance between lines
_ABOVE_ROWS: Final = 1.8  # the same, between a head's lines and what they stand above
_MOST_HEAD_LINES: Final = 24
_PART_OF_HEAD: Final = 4  # lines of what looks like a table and is a piece of a head
_CENTRED: Final = 0.02  # of the page's width
_LONGEST_HEAD: Final = 60  # characters of a line


def is_near(above: Line, below: Line, distance: float) -> bool:
    """Whether ``below`` follows on the same row or at most ``distance`` lower."""
    step = below.box[3] - above.box[3]
    return -above.size * 0.5 <= step <= distance


def is_tabular(block: Sequence[Line]) -> bool:
    """Whether at least half of the lines have cells."""
    return sum(line.cells > 1 for line in block) * 2 >= len(block)


@dataclass
class Block:
    """Lines that belong together, and whether they are a table's."""

    lines: list[Line]
    is_table: bool


def whole_tables(
    blocks: Iterable[list[Line]], pitches: Mapping[int, float], is_title: Callable[[Line], bool]
) -> list[Block]:
    """Return the blocks with the parts of each table joined, and its head's lines with it.

    Wider gaps between its rows, and heads of several lines, keep them apart at first.
    ``pitches`` are the pages' usual distances between lines.
    """
    joined: list[Block] = []
    for lines in blocks:
        is_table = _is_table(lines) and not is_title(lines[0])
        if is_table and joined and _is_next_section(joined[-1], lines[0], pitches):
            joined[-1].lines += lines
            continue
        head = _take_head(joined, lines, pitches, is_title) if is_table else []
        joined.append(Block(head + lines, is_table))
    return joined


def table_text(block: Sequence[Line]) -> str:
    """Return a table's lines as Markdown; those above its first labelled row become its head."""
    rows = [joined_amounts(_cells(line)) for line in block]
    columns = columns_of(rows)
    count = _head_lines(rows, columns)
    grid = [in_columns(row, columns) for row in rows]
    downwards = sorted(range(count), key=lambda i: block[i].box[1])
    heads = zip(*(grid[i] for i in downwards), strict=True)
    head = [" ".join(filter(None, cells)) for cells in heads]
    return markdown([head, *grid[count:]] if count else grid)


def _is_table(lines: Sequence[Line]) -> bool:
    """Whether the lines are a table's, those of its head and its first section's name apart."""
    if len(lines) > 1 and is_tabular(lines):
        return True
    first = next((i for i, line in enumerate(lines) if line.cells > 1), len(lines))
    above, rows = lines[:first], lines[first:]
    return len(rows) > 1 and is_tabular(rows) and all(len(o.text) <= _LONGEST_HEAD for o in above)


def _is_next_section(table: Block, below: Line, pitches: Mapping[int, float]) -> bool:
    above = table.lines[-1]
    distance = max(pitches[below.page], below.size) * _BETWEEN_SECTIONS
    return table.is_table and above.page == below.page and is_near(above, below, distance)


def _take_head(
    before: list[Block],
    table: Sequence[Line],
    pitches: Mapping[int, float],
    is_title: Callable[[Line], bool],
) -> list[Line]:
    """Take the lines that stand right above the table, over its columns of figures, from what
    came before it."""
    columns = columns_of([joined_amounts(_cells(line)) for line in table])
    head: list[Line] = []
    top = min(line.box[1] for line in table)
    middle = _middle(min(line.box[0] for line in table), max(line.box[2] for line in table))
    reach = pitches[table[0].page] * _ABOVE_ROWS
    while before and len(columns) > 1 and len(head) < _MOST_HEAD_LINES:
        line = before[-1].lines[-1]
        is_above = line.page == table[0].page and top - reach <= line.box[3] <= top + reach * 2
        is_other_table = before[-1].is_table and len(before[-1].lines) > _PART_OF_HEAD
        is_caption = is_title(line) and abs(_middle(line.box[0], line.box[2]) - middle) < _CENTRED
        if is_other_table or is_caption or not is_above or not _is_head(line, columns):
            break
        head.insert(0, before[-1].lines.pop())
        top = min(top, line.box[1])
        if not before[-1].lines:
            before.pop()
    return head


def _middle(left: float, right: float) -> float:
    return (left + right) / 2


def _is_head(line: Line, columns: Sequence[Column]) -> bool:
    return len(line.text) <= _LONGEST_HEAD and _stands_right(_cells(line), columns)


def _stands_right(row: Sequence[Cell], columns: Sequence[Column]) -> bool:
    """Whether the row leaves the first column, that of the labels, free."""
    return all(cell.left > columns[0][1] for cell in row)


def _head_lines(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> int:
    """Count the first rows that leave the column of labels free."""
    count = 0
    while count < len(rows) and _stands_right(rows[count], columns):
        count += 1
    return count if count < len(rows) and len(columns) > 1 else 0


def _cells(line: Line) -> Sequence[Cell]:
    parts = line.parts or (Cell(line.text, line.box[0], line.box[2]),)
    return [Cell(part.text.replace("\u00ad", ""), part.left, part.right) for part in parts]
