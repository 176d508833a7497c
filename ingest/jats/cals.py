"""Tables after the CALS model (``tgroup``, ``row``, ``entry``) as those of HTML.

A cell of CALS names the columns at which it begins and ends and counts the rows below that it
takes; one of HTML counts its columns and rows (OASIS, Exchange Table Model, TR 9503).
"""

from __future__ import annotations

from typing import Any, Final

from ingest.spans import WIDEST

_SECTIONS: Final = ("thead", "tbody", "tfoot")
_ENTRIES: Final = ("entry", "entrytbl")
_Edges = dict[str, tuple[int, int]]  # the first and last column, from 0, by a name


def rewrite(root: Any) -> None:
    """Make a table of HTML within its table of each group of columns and rows."""
    for group in list(root.iter("tgroup")):
        made = _of_group(group)
        made.tail = group.tail
        group.getparent().replace(group, made)


def _of_group(group: Any) -> Any:
    made = group.makeelement("table")
    edges = _edges(group)
    for section in list(group.iterchildren(*_SECTIONS)):
        own = edges | _edges(section)  # a head may have columns of its own
        rows = list(section.iterchildren("row"))
        reaching: dict[int, int] = {}  # by column: for how many rows a cell from above goes on
        for number, row in enumerate(rows):
            _make_row(row, own, reaching, len(rows) - number)
        made.append(section)
    return made


def _edges(parent: Any) -> _Edges:
    """Return the places of the columns and of the spans that have names."""
    found: _Edges = {}
    at = 0
    for column in parent.iterchildren("colspec"):
        at = _number(column, "colnum", at + 1) - 1
        found[column.get("colname", "")] = at, at
        at += 1
    for span in parent.iterchildren("spanspec"):
        found[span.get("spanname", "")] = _between(span, found) or (0, 0)
    found.pop("", None)
    return found


def _make_row(row: Any, edges: _Edges, reaching: dict[int, int], rows_left: int) -> None:
    """Make it a row of HTML, with a blank cell for each column that its entries pass over."""
    row.tag = "tr"
    cells: list[Any] = []
    column = 0
    for entry in row.iterchildren(*_ENTRIES):
        first, last = _between(entry, edges) or (column, None)
        while column < min(first, WIDEST) or column in reaching:
            if column not in reaching:
                cells.append(row.makeelement("td"))
            column += 1
        width = min(last - column + 1, WIDEST) if last is not None and last > column else 1
        height = min(_number(entry, "morerows", 0) + 1, rows_left)
        entry.tag = "td"
        entry.set("colspan", str(width))
        entry.set("rowspan", str(height))
        cells.append(entry)
        reaching |= dict.fromkeys(range(column, column + width), height)
        column += width
    row[:] = cells
    _go_on(reaching)


def _go_on(reaching: dict[int, int]) -> None:
    """Leave what reaches into the next row."""
    for place, rows in list(reaching.items()):
        if rows > 1:
            reaching[place] = rows - 1
        else:
            del reaching[place]


def _between(element: Any, edges: _Edges) -> tuple[int, int] | None:
    """Return the columns that an entry, or a span, names; ``None`` for the next that is free."""
    if (whole := edges.get(element.get("spanname", ""))) is not None:
        return whole
    first = edges.get(element.get("namest") or element.get("colname") or "")
    last = edges.get(element.get("nameend", ""), first)
    return None if first is None or last is None else (first[0], last[1])


def _number(element: Any, name: str, usual: int) -> int:
    text = element.get(name, "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else usual
