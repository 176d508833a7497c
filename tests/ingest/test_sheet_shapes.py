"""Texts that lie upon the sheets of a workbook."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from openpyxl import Workbook
from openpyxl.chart import BarChart

from ingest import office
from ingest.document import Piece
from ingest.sheet_shapes import read

A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def _shape(*lines: str) -> str:
    runs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
    return f'<s:sp xmlns:s="urn:s" xmlns:a="{A}"><s:txBody>{runs}</s:txBody></s:sp>'


def _book(path: Path, shapes: str) -> Path:
    """Write a workbook of two sheets, with shapes upon the second."""
    book = Workbook()
    for row in (["Item", "Price"], ["Nails", 0.5]):
        book.worksheets[0].append(row)
    notes = book.create_sheet("Notes")
    notes.append(["Only one cell"])
    notes.add_chart(BarChart(), "D1")  # which has a drawing made
    book.save(path.with_suffix(".old"))
    with ZipFile(path.with_suffix(".old")) as old, ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/drawings/drawing1.xml":
                end = data.rindex(b"</")
                data = data[:end] + shapes.encode() + data[end:]
            new.writestr(name, data)
    return path


def test_what_is_written_in_a_shape_is_read_with_its_sheet(tmp_path: Path) -> None:
    shapes = _shape("Prices are net.", "", " Ask</a:t></a:r><a:br/><a:r><a:t>us. ") + _shape(
        "", " "
    )
    path = _book(tmp_path / "prices.xlsx", shapes)
    assert list(read(path)) == [Piece("text", "Prices are net.\nAsk us.", 2)]
    pieces = office.read(path, "xlsx").pieces
    assert [(piece.text, piece.page) for piece in pieces if piece.kind != "table"] == [
        ("Sheet", 1),
        ("Notes", 2),
        ("Only one cell", 2),
        ("Prices are net.\nAsk us.", 2),
    ]


def test_what_is_kept_for_old_programs_is_not_read_twice(tmp_path: Path) -> None:
    fallback = f'<m:Fallback xmlns:m="urn:m">{_shape("same")}</m:Fallback>'
    path = _book(tmp_path / "x.xlsx", _shape("same") + fallback)
    assert [piece.text for piece in read(path)] == ["same"]


def test_a_damaged_drawing_is_passed_over(tmp_path: Path) -> None:
    assert list(read(_book(tmp_path / "x.xlsx", "<s:sp"))) == []
