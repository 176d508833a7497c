"""Cells of a table in HTML or JATS that span others, put into every place that they span.

Without it a row below one that reaches into it has its cells under other columns' names.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

LONGEST: Final = 80  # characters that are said again; of more the other places stay blank
_GROUPS: Final = frozenset({"thead", "tbody", "tfoot"})
_CELLS: Final = frozenset({"td", "th"})
WIDEST: Final = 100  # columns; who writes more of them means the whole table
_COUNT: Final = "count(.//td | .//th)"  # asked this way no cell costs an object of Python
_SPANNING: Final = ".//tr[*/@colspan or */@rowspan]"
_MOST: Final = 50_000  # places that a table's cells may take beyond their own,
_TIMES: Final = 10  # or this for each cell, whichever is more

NOT_ALL: Final = (
    "A table's merged cells span more places than are filled: below them, figures may stand under "
    "other columns' names. Split the table, or merge fewer cells, and upload it again."
)


def most_places(cells: int) -> int:
    """Return how many places so many cells of a table may take beyond their own."""
    return max(_MOST, _TIMES * cells)


def spread(table: Any) -> bool:
    """Give each row of a table as many cells as it has columns, as the model of tables in HTML says
    (WHATWG, 4.9.12). A cell that is alone in its row is said of the whole table, and only once.
    What is at a table's foot comes last, wherever it is written.

    Return whether that was done with all rows: what would let a table grow without end is not.
    """
    for foot in list(table.iterchildren("tfoot")):
        table.append(foot)
    spanning = set(table.xpath(_SPANNING))
    if not spanning:
        return True
    rows = list(_rows(table))
    reaching: dict[int, tuple[Any, int]] = {}  # by column: a cell from above, for how many rows yet
    left = most_places(int(table.xpath(_COUNT)))
    for number, row in enumerate(rows):
        if not reaching and row not in spanning:
            continue
        cells = [cell for cell in row if cell.tag in _CELLS]
        placed = _placed(cells, reaching, len(rows) - number)
        left -= len(placed) - len(cells)
        if left < 0:
            return False
        row[:] = placed
    return True


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        yield from (row for row in (child if child.tag in _GROUPS else [child]) if row.tag == "tr")


def _placed(cells: list[Any], reaching: dict[int, tuple[Any, int]], rows_left: int) -> list[Any]:
    """Return a row's cells by columns; ``reaching`` is brought to what reaches into the next."""
    is_alone = len(cells) == 1 and not reaching
    waiting = list(reversed(cells))
    placed: list[Any] = []
    while waiting or any(column >= len(placed) for column in reaching):
        column = len(placed)
        if column in reaching:
            cell, left = reaching.pop(column)
            _reach(reaching, column, cell, left - 1)
            placed.append(_again(cell))
        elif waiting:
            cell = waiting.pop()
            width = 1 if is_alone else _span(cell, "colspan", WIDEST)
            for place in range(column, column + width):
                _reach(reaching, place, cell, _span(cell, "rowspan", rows_left) - 1)
                placed.append(cell if place == column else _again(cell))
        else:
            placed.append(next(iter(reaching.values()))[0].makeelement("td"))
    return placed


def _reach(reaching: dict[int, tuple[Any, int]], column: int, cell: Any, rows: int) -> None:
    if rows > 0:
        reaching[column] = cell, rows


def _again(cell: Any) -> Any:
    if len("".join(cell.itertext()).strip()) > LONGEST:
        return cell.makeelement(cell.tag)
    same = deepcopy(cell)
    same.tail = None
    return same


def _span(cell: Any, name: str, most: int) -> int:
    """Return how many columns or rows a cell takes; 0 rows are all that are left."""
    text = cell.get(name, "").strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1
    return min(number or (most if name == "rowspan" else 1), most)
