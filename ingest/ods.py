"""Workbooks of OpenDocument (ods), by its own words (OpenDocument 1.3, part 3, 9)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument
from ingest.sheet_tables import Place, Range, tables

_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_NOTE: Final = f"{_OFFICE}annotation"
_MOST: Final = 1_000  # times that what stands in a cell or row is repeated; empty ones have no end


def read(path: Path) -> Reading:
    """Return the sheets in their order, a page each: the name as a title, tables, notes.

    A cell is told as it is shown. Raises ``CorruptDocument``.
    """
    reading = Reading()
    for page, sheet in enumerate(_content(path).iter(f"{_TABLE}table"), 1):
        found = list(_of_sheet(sheet, page, reading.warnings))
        if found:
            name = " ".join(sheet.get(f"{_TABLE}name", "").split())
            reading.pieces += [Piece("title", name, page), *found]
        reading.pages_with_text += bool(found)
        reading.page_count = page
    return reading


def _content(path: Path) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        with zipfile.ZipFile(path) as archive:
            return etree.fromstring(archive.read("content.xml"), parser)
    except (KeyError, zlib.error, EOFError, etree.XMLSyntaxError) as error:
        raise CorruptDocument(
            "The workbook is damaged and cannot be opened: save it again and upload the new file."
        ) from error


def _of_sheet(sheet: Any, page: int, told: list[str]) -> Iterator[Piece]:
    cells: dict[Place, str] = {}
    merged: list[Range] = []
    notes: list[str] = []
    for place, cell in _cells(sheet):
        if text := _shown(cell):
            cells[place] = text
            merged += _spanned(cell, place)
        for note in cell.iterchildren(_NOTE):
            notes.append(" ".join(_lines(note).split()))
    yield from tables(cells, merged, page, told)
    yield from (Piece("text", note, page) for note in notes if note)


def _cells(sheet: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the cells with something in them, repeated ones as often as they are."""
    row = 1
    for line in sheet.iter(f"{_TABLE}table-row"):
        times = int(line.get(f"{_TABLE}number-rows-repeated", 1))
        for offset in range(min(times, _MOST)):
            for column, cell in _of_row(line):
                yield (row + offset, column), cell
        row += times


def _of_row(line: Any) -> Iterator[tuple[int, Any]]:
    column = 1
    for cell in line.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
        times = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        if len(cell):
            yield from ((column + offset, cell) for offset in range(min(times, _MOST)))
        column += times


def _shown(cell: Any) -> str:
    return " ".join(_lines(cell).split())


def _lines(element: Any) -> str:
    return "\n".join("".join(p.itertext()) for p in element.iterchildren(f"{_TEXT}p"))


def _spanned(cell: Any, place: Place) -> Iterator[Range]:
    rows = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
    columns = int(cell.get(f"{_TABLE}number-columns-spanned", 1))
    if rows > 1 or columns > 1:
        yield place, (place[0] + rows - 1, place[1] + columns - 1)
