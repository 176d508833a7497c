"""The tables of a sheet, as Markdown, from the cells that it has and which of them were merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time
from itertools import islice, pairwise
from typing import Final

from core.markdown_tables import is_rule
from ingest.document import Piece
from ingest.failures import DocumentTooComplex
from ingest.spans import NOT_ALL, most_places
from ingest.tables import markdown

Place = tuple[int, int]  # a row and a column, from 1
Cells = Mapping[Place, str]
Range = tuple[Place, Place]  # its first cell and its last

_FEWEST_COLUMNS: Final = 2  # of a table beside another; what is narrower belongs to its neighbour
_MOST_WRITTEN: Final = 2_000_000  # places of a sheet's tables, blank ones among them,
_TIMES: Final = 50  # or this for each cell, whichever is more
_DIGITS: Final = 15  # that a number of a workbook has


def tables(cells: Cells, merged: Iterable[Range], page: int, told: list[str]) -> Iterator[Piece]:
    """Yield the tables of a sheet, from top to bottom; what has one column is a text.

    ``told`` gets what its owner is to know: where not all of what was merged is in each place.
    """
    most = most_places(len(cells))
    spans = dict(islice(_spans(merged, cells), most + 1))
    if len(spans) > most and NOT_ALL not in told:
        told.append(NOT_ALL)
    most_written = max(_MOST_WRITTEN, _TIMES * len(cells))
    for block in _blocks(cells, spans):
        most_written -= len(block.rows) * len(block.columns)
        if most_written < 0:
            raise DocumentTooComplex(
                "The cells of a sheet stand too far apart; move its tables together, or put each "
                "on a sheet of its own."
            )
        text = markdown(block.table(cells, spans))
        yield Piece("table" if any(map(is_rule, text.split("\n"))) else "text", text, page)


def shown(value: object, number_format: str = "General") -> str:
    """Return a cell's value as its sheet shows it, but for how many digits that shows."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float) and number_format.endswith("%"):
        return f"{100 * value:.{_DIGITS}g}%"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, datetime):
        shows_time = value.time() != time() or "h" in number_format.lower()
        return value.isoformat(" ", "seconds") if shows_time else value.date().isoformat()
    return " ".join(str(value).split())


class _Block:
    """Places that are one table."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = list(places)
        self.rows = sorted({row for row, _ in self.places})
        self.columns = sorted({column for _, column in self.places})

    def table(self, cells: Cells, spans: Mapping[Place, Place]) -> Iterator[list[str]]:
        """Yield the rows without blank columns. What spans cells stands in each of them, but only
        once where it has the row to itself: then it is said of the whole table."""
        for row in self.rows:
            places = [spans.get((row, column), (row, column)) for column in self.columns]
            texts = [cells.get(place, "") for place in places]
            told = {place for place, text in zip(places, texts, strict=True) if text}
            is_title = len(told) == 1 and sum(map(bool, texts)) > 1
            yield [next(filter(None, texts))] if is_title else texts


def _spans(ranges: Iterable[Range], cells: Cells) -> Iterator[tuple[Place, Place]]:
    """Yield for each cell of what was merged the cell that has its text, as far as there are others
    in its row and column: a range may be declared as large as a sheet can be."""
    last_row = max((row for row, _ in cells), default=0)
    last_column = max((column for _, column in cells), default=0)
    for origin, last in ranges:
        if origin in cells:
            for row in range(origin[0], min(last[0], last_row) + 1):
                for column in range(origin[1], min(last[1], last_column) + 1):
                    yield (row, column), origin


def _blocks(cells: Cells, spans: Mapping[Place, Place]) -> Iterator[_Block]:
    """Yield the tables of a sheet: what blank rows part, and of that what stands side by side."""
    groups: list[_Block] = []  # of one table, with blank rows between them
    for band in _runs(cells.keys() | spans.keys(), lambda place: place[0]):
        parts = list(_apart([_Block(run) for run in _runs(band, lambda place: place[1])]))
        if len(parts) > 1 or not groups or not _goes_on(groups[0], parts[0], cells):
            yield from _together(groups)
            groups = []
        if len(parts) > 1:
            yield from parts
        else:
            groups += parts
    yield from _together(groups)


def _together(groups: list[_Block]) -> Iterator[_Block]:
    if groups:
        yield _Block(place for group in groups for place in group.places)


def _goes_on(table: _Block, group: _Block, cells: Cells) -> bool:
    """Whether rows below a blank one are of the table above: in the same columns, and without names
    of columns of their own, which are a row without a figure above rows that have some."""
    is_below = table.columns[0] == group.columns[0] and table.columns[-1] == group.columns[-1]
    with_figures = {
        place[0] for place in group.places if any(map(str.isdigit, cells.get(place, "")))
    }
    has_names = with_figures and group.rows[0] not in with_figures
    return is_below and len(table.columns) > 1 and not has_names


def _apart(parts: list[_Block]) -> Iterator[_Block]:
    """Yield parts between blank columns one by one where they are tables of their own, else all as
    one: names and their figures often have a blank column between them."""
    if all(_are_two(a, b) for a, b in pairwise(parts)):
        yield from parts
    else:
        yield _Block(place for part in parts for place in part.places)


def _are_two(a: _Block, b: _Block) -> bool:
    is_wide = min(len(a.columns), len(b.columns)) >= _FEWEST_COLUMNS
    return is_wide and (a.rows[0], a.rows[-1]) != (b.rows[0], b.rows[-1])


def _runs(places: Iterable[Place], number: Callable[[Place], int]) -> list[list[Place]]:
    """Return the places in runs without a gap in their numbers, which are rows or columns."""
    runs: list[list[Place]] = []
    last = None
    for place in sorted(places, key=number):
        if last is None or number(place) > last + 1:
            runs.append([])
        runs[-1].append(place)
        last = number(place)
    return runs
