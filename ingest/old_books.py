"""Workbooks of Excel before 2007 (xls), read by xlrd."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument, EncryptedDocument
from ingest.sheet_tables import shown, tables

logger = logging.getLogger(__name__)


def read(path: Path) -> Reading:
    """Return the sheets in their order, a page each: the name as a title, then its tables.

    Formulas are told by the values that were stored with them; notes on cells are not read.

    Raises ``EncryptedDocument``, ``CorruptDocument``.
    """
    book, reading = _opened(path), Reading()
    for page, sheet in enumerate(book.sheets(), 1):
        found = list(_of_cells(book, sheet, page, reading.warnings))
        if found:
            reading.pieces += [Piece("title", " ".join(sheet.name.split()), page), *found]
        reading.pages_with_text += bool(found)
    reading.page_count = book.nsheets
    return reading


def _opened(path: Path) -> Any:
    import xlrd

    try:
        return xlrd.open_workbook(path, logfile=io.StringIO(), formatting_info=True)
    except Exception as error:  # of a damaged file xlrd raises whatever its own code runs into
        if "encrypted" in str(error):
            raise EncryptedDocument(
                "The workbook asks for a password: remove the protection and upload it again."
            ) from error
        logger.info("a workbook of before 2007 could not be opened", exc_info=True)
        raise CorruptDocument(
            "The workbook is damaged and cannot be opened: save it again and upload the new file."
        ) from error


def _of_cells(book: Any, sheet: Any, page: int, told: list[str]) -> Iterator[Piece]:
    cells = {
        (row + 1, column + 1): text
        for row in range(sheet.nrows)
        for column, cell in enumerate(sheet.row(row))
        if (text := _text(book, cell))
    }
    merged = (
        ((first + 1, left + 1), (end, right)) for first, end, left, right in sheet.merged_cells
    )
    yield from tables(cells, merged, page, told)


def _text(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, ""))
    number_format = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return shown(cell.value)  # a number that no calendar has
        return shown(moment if cell.value >= 1 else moment.time(), number_format)
    return shown(cell.value, number_format)
