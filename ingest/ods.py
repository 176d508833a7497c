"""Workbooks of OpenDocument (ods), by its own words (OpenDocument 1.3, part 3, 9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ingest.document import Piece, Reading
from ingest.failures import DocumentTooComplex
from ingest.odf import ANNOTATION, TABLE, Package, paragraphs
from ingest.sheet_tables import Place, Range, tables

_MOST_REPEATED: Final = 200_000  # places of a sheet
_MOST: Final = 1_000  # times that what stands in a cell or row is repeated; empty ones have no end


def read(path: Path) -> Reading:
    """Return the sheets in their order, a page each: the name as a title, tables, notes.

    A cell is told as it is shown. Raises ``CorruptDocument``.
    """
    reading = Reading()
    with Package(path) as package:
        sheets = package.content().iter(f"{TABLE}table")
    for page, sheet in enumerate(sheets, 1):
        found = list(of_table(sheet, page, reading.warnings))
        if found:
            name = " ".join(sheet.get(f"{TABLE}name", "").split())
            reading.pieces += [Piece("title", name, page), *found]
        reading.pages_with_text += bool(found)
        reading.page_count = page
    return reading


def of_table(table: Any, page: int, told: list[str]) -> Iterator[Piece]:
    """Yield what a sheet, or a table elsewhere, says; see ``ingest.sheet_tables``."""
    cells: dict[Place, str] = {}
    merged: list[Range] = []
    notes: list[str] = []
    for place, cell in _cells(table):
        if text := paragraphs(cell):
            cells[place] = text
            merged += _spanned(cell, place)
        notes += map(paragraphs, cell.iterchildren(ANNOTATION))
    for shapes in table.iterchildren(f"{TABLE}shapes"):
        notes += map(paragraphs, shapes)
    yield from tables(cells, merged, page, told)
    yield from (Piece("text", note, page) for note in notes if note)


def _cells(sheet: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the cells with something in them, repeated ones as often as they are."""
    row = 1
    repeated = 0
    for line in sheet.iter(f"{TABLE}table-row"):
        times = int(line.get(f"{TABLE}number-rows-repeated", 1))
        cells = list(_of_row(line))
        for offset in range(min(times, _MOST)):
            for column, cell in cells:
                yield (row + offset, column), cell
            repeated += len(cells)
            if repeated > _MOST_REPEATED:
                raise DocumentTooComplex(
                    "A sheet repeats a cell or a row too often; delete what is filled with the "
                    "same value, and upload it again."
                )
        repeated -= len(line)  # what is written is not repeated
        row += times


def _of_row(line: Any) -> Iterator[tuple[int, Any]]:
    column = 1
    for cell in line.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
        times = int(cell.get(f"{TABLE}number-columns-repeated", 1))
        if len(cell):
            yield from ((column + offset, cell) for offset in range(min(times, _MOST)))
        column += times


def _spanned(cell: Any, place: Place) -> Iterator[Range]:
    rows = int(cell.get(f"{TABLE}number-rows-spanned", 1))
    columns = int(cell.get(f"{TABLE}number-columns-spanned", 1))
    if rows > 1 or columns > 1:
        yield place, (place[0] + rows - 1, place[1] + columns - 1)
