"""Workbooks: each sheet under its name, its tables apart, and what people noted on cells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ingest import uncomputed
from ingest.document import Piece
from ingest.sheet_tables import Place, shown, tables

logger = logging.getLogger(__name__)

_OF_MANY: Final = "tc={"  # begins the author of a conversation
_CELLS_ALONE: Final = (
    "A part of the workbook beside its cells cannot be read, so that only the cells were: what is "
    "said of merged cells stands in the first of them alone, and notes on cells are missing. Open "
    "the workbook, save it again and upload the new file."
)


def read(path: Path, told: list[str]) -> Iterator[Piece]:
    """Yield the sheets in their order, a page each: the name as a title, tables, notes.

    Formulas are told by the values that were stored with them. ``told`` gets what is missing.
    Raises what openpyxl does for a workbook that is damaged.
    """
    from openpyxl.chartsheet import Chartsheet

    book = _loaded(path, told)
    if missing := uncomputed.told(path):
        told.append(missing)
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
    alone = {"data_only": True, "keep_links": False}  # other workbooks may not be there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that hold no text
        try:
            return load_workbook(path, **alone)
        except Exception:  # openpyxl raises whatever its own code does about bad parts
            logger.info("a workbook is read without what stands beside its cells", exc_info=True)
            book = load_workbook(path, read_only=True, **alone)
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
        if (text := shown(cell.value, cell.number_format))
    }
    merged = getattr(sheet, "merged_cells", None)
    ranges = (
        ((each.min_row, each.min_col), (each.max_row, each.max_col))
        for each in (merged.ranges if merged else ())
    )
    yield from tables(cells, ranges, page, told)
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
