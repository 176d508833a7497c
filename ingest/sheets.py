"""Workbooks: each sheet under its name, its tables apart, and what people noted on cells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

from core.markdown_tables import is_rule
from ingest.document import Piece
from ingest.spans import NOT_ALL, most_places
from ingest.tables import markdown

logger = logging.getLogger(__name__)

Place = tuple[int, int]  # a row and a column, from 1
_Cells = Mapping[Place, str]

_FEWEST_COLUMNS: Final = 2  # of a table beside another; what is narrower belongs to its neighbour
_OF_MANY: Final = "tc={"  # begins the author of a conversation
_CELLS_ALONE: Final = (
    "A part of the workbook beside its cells cannot be read, so that only the cells were: what is "
    "said of merged cells stands in the first of them alone, and notes on cells are missing. Open "
    "the workbook, save it again and upload the new file."
)
_DIGITS: Final = 15  # that a number of a workbook has


class _Block:
    """Places that are one table."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = list(places)
        self.rows = sorted({row for row, _ in self.places})
        self.columns = sorted({column for _, column in self.places})

    def table(self, cells: _Cells, spans: Mapping[Place, Place]) -> Iterator[list[str]]:
        """Yield the rows without blank columns. What spans cells stands in each of them, but only
        once where it has the row to itself: then it is said of the whole table."""
        for row in self.rows:
            places = [spans.get((row, column), (row, column)) for column in self.columns]
            texts = [cells.get(place, "") for place in places]
            told = {place for place, text in zip(places, texts, strict=True) if text}
            is_title = len(told) == 1 and sum(map(bool, texts)) > 1
            yield [next(filter(None, texts))] if is_title else texts


def read(path: Path, told: list[str]) -> Iterator[Piece]:
    """Yield the sheets in their order, a page each: the name as a title, tables, notes.

    Formulas are told by the values that were stored with them. ``told`` gets what is missing.
    Raises what openpyxl does for a workbook that is damaged.
    """
    from openpyxl.chartsheet import Chartsheet

    book = _loaded(path, told)
    for page, name in enumerate(book.sheetnames, 1):
        sheet: Any = book[name]
        is_chart = isinstance(sheet, Chartsheet)
        found = [] if is_chart else list(_of_cells(sheet, page, told))
        if found or is_chart:
            yield Piece("title", " ".join(name.split()), page)
        yield from found


def _loaded(path: Path, told: list[str]) -> Any:
    """Return the workbook; its cells alone where something beside them, a drawing say, cannot be
    read: then nothing is known of merged cells and notes, and this is told."""
    from openpyxl import load_workbook

    _only_note_what_is_merged()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that hold no text
        try:
            return load_workbook(path, data_only=True)
        except Exception:  # openpyxl raises whatever its own code does about bad parts
            logger.info("a workbook is read without what stands beside its cells", exc_info=True)
            book = load_workbook(path, data_only=True, read_only=True)
        told.append(_CELLS_ALONE)
        return book


@lru_cache(maxsize=1)
def _only_note_what_is_merged() -> None:
    """Have openpyxl note merged ranges as they are: it would make a cell for each of their places,
    of which a sheet has 17 thousand million."""
    from openpyxl.worksheet._reader import WorksheetReader
    from openpyxl.worksheet.cell_range import CellRange, MultiCellRange

    def note(self: Any) -> None:
        merged = self.parser.merged_cells
        if merged:
            self.ws.merged_cells = MultiCellRange(CellRange(e.ref) for e in merged.mergeCell)

    WorksheetReader.bind_merged_cells = note


def _of_cells(sheet: Any, page: int, told: list[str]) -> Iterator[Piece]:
    present = _present(sheet)
    cells = {
        (cell.row, cell.column): text
        for cell in present
        if (text := _text(cell.value, cell.number_format))
    }
    most = most_places(len(cells))
    merged = getattr(sheet, "merged_cells", None)
    spans = dict(islice(_spans(merged.ranges if merged else (), cells), most + 1))
    if len(spans) > most and NOT_ALL not in told:
        told.append(NOT_ALL)
    for block in _blocks(cells, spans):
        text = markdown(block.table(cells, spans))
        yield Piece("table" if any(map(is_rule, text.split("\n"))) else "text", text, page)
    for cell in present:
        comment = getattr(cell, "comment", None)
        if comment is not None and (said := _said(comment)):
            yield Piece("text", f"{cell.coordinate}: {said}", page)


def _present(sheet: Any) -> list[Any]:
    """Return the cells that a file has, not those up to the last that it speaks of."""
    kept: dict[Place, Any] | None = getattr(sheet, "_cells", None)
    if kept is not None:
        return [kept[place] for place in sorted(kept)]
    return [cell for row in sheet.rows for cell in row if cell.value is not None]


def _said(comment: Any) -> str:
    """Return what was noted on a cell, and by whom. What is a conversation has, for older programs,
    two paragraphs above it that say so, and an id for an author."""
    text = str(comment.text)
    if str(comment.author).startswith(_OF_MANY):
        return " ".join(text.split("\n\n", 2)[-1].split())
    words = " ".join(text.split())
    return f"{words} ({comment.author})" if words and comment.author else words


def _spans(ranges: Iterable[Any], cells: _Cells) -> Iterator[tuple[Place, Place]]:
    """Yield for each cell of what was merged the cell that has its text, as far as there are others
    in its row and column: a range may be declared as large as a sheet can be."""
    last_row = max((row for row, _ in cells), default=0)
    last_column = max((column for _, column in cells), default=0)
    for each in ranges:
        origin = each.min_row, each.min_col
        if origin in cells:
            for row in range(each.min_row, min(each.max_row, last_row) + 1):
                for column in range(each.min_col, min(each.max_col, last_column) + 1):
                    yield (row, column), origin


def _blocks(cells: _Cells, spans: Mapping[Place, Place]) -> Iterator[_Block]:
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


def _goes_on(table: _Block, group: _Block, cells: _Cells) -> bool:
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


def _text(value: object, number_format: str) -> str:
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
