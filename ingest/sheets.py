"""Workbooks: each sheet under its name, its tables apart, and what people noted on cells."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from ingest import uncomputed
from ingest.document import Piece
from ingest.package import Package, parsed
from ingest.sheet_tables import Range, shown, tables

_MERGED: Final = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([A-Z]+\d+:[A-Z]+\d+)[\"']")
_COMMENTS: Final = "//*[local-name()='comment']"
_AUTHORS: Final = "//*[local-name()='author']"
_WORDS: Final = "./*[local-name()='text']//*[local-name()='t'][not(parent::*[local-name()='rPh'])]"
_OF_MANY: Final = "tc={"  # begins the author of a conversation


def read(path: Path, told: list[str]) -> Iterator[Piece]:
    """Yield the sheets in their order, a page each: the name as a title, tables, notes.

    Formulas are told by the values that were stored with them. ``told`` gets what is missing.
    Raises what openpyxl does for a workbook that is damaged.
    """
    from openpyxl.chartsheet import Chartsheet

    if missing := uncomputed.told(path):
        told.append(missing)
    book = _open_workbook(path)
    with ZipFile(path) as archive:
        package = Package(archive)
        parts = dict(package.pages("xlsx"))
        for page, name in enumerate(book.sheetnames, 1):
            sheet: Any = book[name]
            is_chart = isinstance(sheet, Chartsheet)
            part = parts.get(page, "")
            found = [] if is_chart else list(_read_cells(sheet, page, package.read(part), told))
            found += _read_notes(package, part, page)
            if found or is_chart:
                yield Piece("title", " ".join(name.split()), page)
            yield from found
    book.close()


def _open_workbook(path: Path) -> Any:
    """Return the workbook as openpyxl streams it: what stands beside the cells need not be whole,
    and no cell is made for each place of a merged range."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that hold no text
        # Other workbooks that this one refers to may not be there.
        return load_workbook(path, read_only=True, data_only=True, keep_links=False)


def _read_cells(sheet: Any, page: int, xml: bytes, told: list[str]) -> Iterator[Piece]:
    from openpyxl.cell.read_only import EMPTY_CELL

    sheet.reset_dimensions()  # what a file declares may be less than what it has
    cells = {
        (cell.row, cell.column): text
        for row in sheet.iter_rows()
        for cell in row
        if cell is not EMPTY_CELL and (text := shown(cell.value, cell.number_format))
    }
    yield from tables(cells, map(_parse_range, _MERGED.findall(xml)), page, told)


def _parse_range(reference: bytes) -> Range:
    from openpyxl.utils import range_boundaries

    left, top, right, bottom = range_boundaries(reference.decode())
    return (top, left), (bottom, right)


def _read_notes(package: Package, part: str, page: int) -> Iterator[Piece]:
    for data in package.related(part, "comments"):
        root = parsed(data)
        if not len(root):
            continue
        authors = dict(enumerate(author.text or "" for author in root.xpath(_AUTHORS)))
        for comment in root.xpath(_COMMENTS):
            number = comment.get("authorId", "")
            author = authors.get(int(number), "") if number.isdecimal() else ""
            if words := _said("".join(t.text or "" for t in comment.xpath(_WORDS)), author):
                yield Piece("text", f"{comment.get('ref')}: {words}", page)


def _said(text: str, author: str) -> str:
    """Return what was noted on a cell, and by whom. What is a conversation has, for older programs,
    two paragraphs above it that say so, and an id for an author."""
    if author.startswith(_OF_MANY):
        return " ".join(text.split("\n\n", 2)[-1].split())
    words = " ".join(text.split())
    return f"{words} ({author})" if words and author else words
