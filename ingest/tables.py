"""Tables as Markdown, from rows of cells and from lines whose cells stand at places of a page."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from core.markdown_tables import is_rule, without_rules

_BAR: Final = re.compile(r" ?(?<!\\)\| ?")
_FIGURE: Final = re.compile(r"\d")
_YEAR: Final = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]\d|\d)")
_MOST_CAPTIONS: Final = 3
_ESCAPED: Final = "\\|"
_OPENS_NEXT: Final = re.compile(r"[$€£¥₹(]+")  # what stands before an amount, apart from it
_CLOSES_LAST: Final = re.compile(r"[)%*]+")  # and what stands behind it


Column = tuple[float, float]  # its left and right


@dataclass(frozen=True)
class Cell:
    """A piece of a line between wide gaps; ``left`` and ``right`` in 0-1 of the page's width."""

    text: str
    left: float
    right: float


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """Return the rows as a Markdown table whose first row is its head; a line a row.

    Empty rows and empty ends of rows are left out. Single cells above a row of names are the
    table's caption and stand before it. What has one column is no table: its lines.
    """
    kept = [cells for row in rows if (cells := _cells(row))]
    if not any(len(row) > 1 for row in kept):
        return "\n".join(row[0] for row in kept)
    captions = _captions(kept)
    width = max(map(len, kept))
    kept[captions] += [""] * (width - len(kept[captions]))
    written = [
        f"| {' | '.join(cell.replace('|', _ESCAPED) for cell in row)} |" for row in kept[captions:]
    ]
    rule = f"|{' --- |' * width}"
    return "\n".join([*(row[0] for row in kept[:captions]), written[0], rule, *written[1:]])


def head_of(table: str) -> str:
    """Return the head row of a Markdown table, its first line where there is no rule."""
    lines = list(_first_lines(table, _MOST_CAPTIONS + 2))
    place = next((i for i, line in enumerate(lines) if is_rule(line)), 1)
    return lines[max(0, place - 1)]


def _first_lines(text: str, count: int) -> Iterator[str]:
    begin = 0
    for _ in range(count):
        end = text.find("\n", begin)
        yield text[begin:] if end < 0 else text[begin:end]
        if end < 0:
            return
        begin = end + 1


def without_bars(text: str) -> str:
    """Return a passage's words without the marks of its tables, a line a row."""
    if "|" not in text:
        return text
    plain = _BAR.sub(" ", without_rules(text)).replace(_ESCAPED, "|")
    return "\n".join(line.strip() for line in plain.split("\n"))


def _captions(rows: Sequence[Sequence[str]]) -> int:
    """Count the single cells above the first row, if that one is of names: words, or years below
    "Three Months Ended June 30," or the like."""
    count = next(i for i, row in enumerate(rows) if len(row) > 1)
    is_of_words = not any(_FIGURE.search(cell) for cell in rows[count])
    figured = [cell for cell in rows[count][1:] if _FIGURE.search(cell)]
    is_of_years = bool(figured) and all(map(_YEAR.search, figured))
    return count if count <= _MOST_CAPTIONS and (is_of_words or is_of_years) else 0


def _cells(row: Sequence[str]) -> list[str]:
    flat = [" ".join(cell.split()) for cell in row]
    while flat and not flat[-1]:
        flat.pop()
    return flat


def joined_amounts(line: Sequence[Cell]) -> list[Cell]:
    """Join a currency's sign to the amount behind it, a closing bracket to the one before.

    The sign may stand alone or close behind the amount of the column before.
    """
    joined: list[Cell] = []
    sign = ""
    for cell in line:
        if joined and not sign and _CLOSES_LAST.fullmatch(cell.text):
            joined[-1] = replace(joined[-1], text=joined[-1].text + cell.text, right=cell.right)
            continue
        words, _, last = cell.text.rpartition(" ")
        opens = _OPENS_NEXT.fullmatch(last) is not None
        text = f"{sign} {words if opens else cell.text}".strip()
        sign = last if opens else ""
        if text:
            joined.append(replace(cell, text=text))
    if sign and joined:
        joined[-1] = replace(joined[-1], text=f"{joined[-1].text} {sign}")
    return joined or list(line)


def columns_of(rows: Sequence[Sequence[Cell]]) -> list[Column]:
    """Return the columns from left to right: where the cells of full rows overlap."""
    counts = [len(row) for row in rows if len(row) > 1]
    if not counts:
        return [(0.0, 1.0)]
    full = median(counts)
    spans = sorted((c.left, c.right) for row in rows if len(row) >= full for c in row)
    columns: list[Column] = [spans[0]]
    for left, right in spans[1:]:
        if left <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def in_columns(row: Sequence[Cell], columns: Sequence[Column]) -> list[str]:
    """Return a row's texts, one for each column; a cell goes where it overlaps most, so that one
    that spans several stands in one of them."""
    texts = [""] * len(columns)
    lefts, rights = [left for left, _ in columns], [right for _, right in columns]
    for cell in row:
        first = max(0, bisect_left(rights, cell.left) - 1)
        last = min(len(columns), bisect_right(lefts, cell.right) + 1)
        place = max(range(first, last), key=lambda i: _overlap(cell, columns[i]))
        texts[place] = f"{texts[place]} {cell.text}".strip()
    return texts


def _overlap(cell: Cell, column: Column) -> float:
    """Return the width both share; below 0 the distance between them."""
    return min(cell.right, column[1]) - max(cell.left, column[0])
