"""Workbooks: sheets under their names, tables apart, what is merged, what was noted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from lxml.etree import XMLSyntaxError
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart
from openpyxl.comments import Comment
from openpyxl.worksheet.cell_range import CellRange

from ingest import office, sheets
from ingest.document import Piece


def _read(tmp_path: Path, *fills: Callable[[Any], object]) -> list[Piece]:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number, fill in enumerate(fills, 1):
        fill(book.create_sheet(f"Part {number}"))
    book.save(tmp_path / "book.xlsx")
    told: list[str] = []
    pieces = list(sheets.read(tmp_path / "book.xlsx", told))
    assert told == []
    return pieces


def _rows(*rows: list[object]) -> Callable[[Any], None]:
    def fill(sheet: Any) -> None:
        for row in rows:
            sheet.append(row)

    return fill


def _tables(pieces: list[Piece]) -> list[list[str]]:
    """The lines of each table, without the rule."""
    lines = [piece.text.splitlines() for piece in pieces if piece.kind == "table"]
    return [[line for line in table if not set(line) <= set("|- ")] for table in lines]


def test_each_sheet_is_a_page_under_its_name_unless_it_is_empty(tmp_path: Path) -> None:
    pieces = _read(tmp_path, _rows(["a", "b"]), _rows(), _rows(["c", "d"]))
    assert [(p.kind, p.page) for p in pieces] == [
        ("title", 1), ("table", 1), ("title", 3), ("table", 3),
    ]  # fmt: skip
    assert [p.text for p in pieces if p.kind == "title"] == ["Part 1", "Part 3"]


def test_what_blank_rows_part_is_two_tables(tmp_path: Path) -> None:
    pieces = _read(
        tmp_path, _rows(["Item", "Price"], ["Nails", 4], [], ["Name", "Age"], ["Ann", 9])
    )
    assert _tables(pieces) == [
        ["| Item | Price |", "| Nails | 4 |"],
        ["| Name | Age |", "| Ann | 9 |"],
    ]


@pytest.mark.parametrize("group", [["Ann", "Chef"], ["Nails", 4]])
def test_groups_of_a_table_between_blank_rows_stay_under_its_names(
    tmp_path: Path, group: list[object]
) -> None:
    first = ["Bo", "Cook"] if group[0] == "Ann" else ["Screws", 5]
    (table,) = _tables(_read(tmp_path, _rows(["Name", "What"], first, [], group, [], group)))
    assert len(table) == 4


def test_tables_side_by_side_are_two_where_one_ends_before_the_other(tmp_path: Path) -> None:
    pieces = _read(tmp_path, _rows(["Item", "Price", None, "Name", "Age"],
                                   ["Nails", 4, None, "Ann", 9], ["Screws", 5]))  # fmt: skip
    assert _tables(pieces) == [
        ["| Item | Price |", "| Nails | 4 |", "| Screws | 5 |"],
        ["| Name | Age |", "| Ann | 9 |"],
    ]


@pytest.mark.parametrize("names", [["Rent"], ["Rent", "office"]])
def test_names_and_their_figures_stay_together_over_a_blank_column(
    tmp_path: Path, names: list[object]
) -> None:
    pieces = _read(tmp_path, _rows([*names, None, 1200, 1300], [*names, None, 80, 90]))
    assert [table[0] for table in _tables(pieces)] == [
        f"| {' | '.join(map(str, names))} | 1200 | 1300 |"
    ]


def test_what_spans_cells_is_said_of_each_of_them(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        _rows(["Prices of the year", None, None], ["Kind", "Item", "Price"], ["Iron", "Nails", 4],
              [None, "Screws", 5])(sheet)  # fmt: skip
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("A3:A4")

    (table,) = _tables(_read(tmp_path, fill))
    assert table == [
        "Prices of the year",
        "| Kind | Item | Price |",
        "| Iron | Nails | 4 |",
        "| Iron | Screws | 5 |",
    ]


def test_notes_are_told_with_their_cell_and_their_author(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet["A1"], sheet["B1"] = "Ducks", "Year"
        sheet["A1"].comment = Comment("All  of them?", "Ann")
        threaded = "[Threaded comment]\n\nYour version … https://x.y\n\nComment:\n    Why?"
        sheet["B1"].comment = Comment(threaded, "tc={1-2}")

    notes = [piece.text for piece in _read(tmp_path, fill) if piece.kind == "text"]
    assert notes == ["A1: All of them? (Ann)", "B1: Comment: Why?"]


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (True, "General", "TRUE"),
        (0.1 + 0.2, "General", "0.3"),
        (3.0, "General", "3"),
        (0.147, "0%", "14.7%"),
        (2, "0.00%", "200%"),
        (date(2024, 3, 1), "yyyy-mm-dd", "2024-03-01"),
        (datetime(2024, 3, 1), "yyyy-mm-dd", "2024-03-01"),
        (datetime(2024, 3, 1), "yyyy-mm-dd h:mm:ss", "2024-03-01 00:00:00"),
        (datetime(2024, 3, 1, 9, 30), "yyyy-mm-dd", "2024-03-01 09:30:00"),
        (time(9, 30), "h:mm", "09:30:00"),
        ("two\nlines", "General", "two lines"),
    ],
)
def test_values_are_told_as_their_sheet_shows_them(
    tmp_path: Path, value: object, number_format: str, shown: str
) -> None:
    def fill(sheet: Any) -> None:
        _rows(["what", value])(sheet)
        sheet["B1"].number_format = number_format

    assert _tables(_read(tmp_path, fill)) == [[f"| what | {shown} |"]]


def test_sheets_with_a_damaged_drawing_lose_neither_merged_cells_nor_notes(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        _rows(["Kind", "Item"], ["Iron", "Nails"], [None, "Screws"])(sheet)
        sheet.merge_cells("A2:A3")
        sheet["B2"].comment = Comment("Which?", "Ann")
        sheet.add_chart(BarChart(), "D1")

    _read(tmp_path, fill)
    whole, damaged = tmp_path / "book.xlsx", tmp_path / "damaged.xlsx"
    with ZipFile(whole) as old, ZipFile(damaged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<c" if "drawings/drawing" in name else old.read(name))
    with pytest.raises(XMLSyntaxError):
        load_workbook(damaged)
    told: list[str] = []
    _, table, note = sheets.read(damaged, told)
    assert table.text.splitlines()[-1] == "| Iron | Screws |"
    assert (note.text, told) == ("B2: Which? (Ann)", [])


def test_a_lost_link_to_another_workbook_loses_nothing(tmp_path: Path) -> None:
    _read(tmp_path, _rows(["Item", "Price"], ["Nails", 0.5]))
    office_type = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    target = 'Target="externalLinks/externalLink1.xml"/></Relationships>'
    link = f'<Relationship Id="rIdLink" Type="{office_type}/externalLink" {target}'
    named = f'<externalReference xmlns:r="{office_type}" r:id="rIdLink"/>'
    changes = {
        "xl/_rels/workbook.xml.rels": ("</Relationships>", link),
        "xl/workbook.xml": (
            "</sheets>",
            f"</sheets><externalReferences>{named}</externalReferences>",
        ),
    }
    linked = tmp_path / "linked.xlsx"
    with ZipFile(tmp_path / "book.xlsx") as old, ZipFile(linked, "w") as new:
        for name in old.namelist():
            before, after = changes.get(name, ("", ""))
            text = old.read(name).decode()
            new.writestr(name, text.replace(before, after) if before else text)
    with pytest.raises(KeyError):
        load_workbook(linked)
    told: list[str] = []
    assert _tables(list(sheets.read(linked, told))) == [["| Item | Price |", "| Nails | 0.5 |"]]
    assert told == []


def test_a_range_as_large_as_a_sheet_is_told_and_not_filled(tmp_path: Path) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet["A1"], sheet["XFD1048576"] = "Everything", "last"
    sheet.merged_cells.add(CellRange("A1:XFC1048575"))
    book.save(tmp_path / "book.xlsx")
    reading = office.read(tmp_path / "book.xlsx", "xlsx")
    (told,) = reading.warnings
    assert told.startswith("A table's merged cells span more places than are filled")
    assert any("last" in piece.text for piece in reading.pieces)


def test_a_sheet_full_of_gaps_is_read_in_linear_time(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        for row in range(1, 20_001, 2):
            sheet.cell(row, 1, row)

    assert sum(piece.kind == "text" for piece in _read(tmp_path, fill)) == 10_000


def test_the_owner_is_told_of_formulas_that_nothing_has_computed(tmp_path: Path) -> None:
    book = Workbook()
    for row in (["Berth", "Fee"], ["North", 4], ["Sum", "=SUM(B2:B2)"], ["Tax", "=B3/5"]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    told: list[str] = []
    assert list(sheets.read(tmp_path / "book.xlsx", told))
    (warning,) = told
    assert warning.startswith("2 formulas have no value")
