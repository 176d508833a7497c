"""What is made of other readers' elements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document
from pptx import Presentation
from pptx.util import Inches

from ingest import office


@pytest.mark.parametrize(("name", "start", "end"), [("a.html", "<p>", "</p>"), ("a.md", "", "")])
def test_what_is_nested_deeply_is_read_and_so_is_what_follows(
    tmp_path: Path, name: str, start: str, end: str
) -> None:
    quoted = f"{'<blockquote>' * 300}{start}deep words{end}{'</blockquote>' * 300}"
    (tmp_path / name).write_text(f"<h1>Before</h1>\n\n{quoted}\n\n<h1>After</h1>")
    found = [piece.text for piece in office.read(tmp_path / name, name[2:]).pieces]
    assert found == ["Before", "deep words", "After"]


def test_what_is_nested_too_deeply_is_no_silent_loss(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f"<html><h1>Before</h1>{'<div>' * 5000}deep words")
    with pytest.raises(RecursionError):
        office.read(tmp_path / "a.html", "html")


def _letter(path: Path) -> Path:
    letter = Document()
    table = letter.add_table(3, 3)
    for n in range(9):
        table.cell(n // 3, n % 3).text = str(n)
    table.cell(0, 1).merge(table.cell(0, 2)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    letter.save(str(path))
    return path


def _slide(path: Path) -> Path:
    shown = Presentation()
    slide = shown.slides.add_slide(shown.slide_layouts[6])
    place = (Inches(1), Inches(1), Inches(5), Inches(3))
    table = slide.shapes.add_table(3, 3, *place).table
    for n in range(9):
        table.cell(n // 3, n % 3).text = str(n)
    for start, end, text in (((0, 1), (0, 2), "wide"), ((1, 0), (2, 0), "tall")):
        table.cell(*start).merge(table.cell(*end))
        table.cell(*start).text = text
    shown.save(str(path))
    return path


@pytest.mark.parametrize(("make", "kind"), [(_letter, "docx"), (_slide, "pptx")])
def test_what_was_merged_does_not_move_other_cells_under_other_names(
    tmp_path: Path, make: Callable[[Path], Path], kind: str
) -> None:
    (table,) = office.read(make(tmp_path / f"a.{kind}"), kind).pieces
    assert [line for line in table.text.splitlines() if "---" not in line] == [
        "| 0 | wide | wide |",
        "| tall | 4 | 5 |",
        "| tall | 7 | 8 |",
    ]


@pytest.mark.parametrize("kind", ["html", "md"])
def test_the_owner_is_told_of_cells_that_were_not_put_in_place(tmp_path: Path, kind: str) -> None:
    rows = ("<tr>" + "<td rowspan=999 colspan=100>a</td>" * 20 + "</tr>") * 300
    (tmp_path / f"a.{kind}").write_text(f"<h1>Rows</h1>\n<table>{rows}</table>")
    reading = office.read(tmp_path / f"a.{kind}", kind)
    (told,) = reading.warnings
    assert "figures may stand under other columns' names. Split the table" in told
    (tmp_path / f"b.{kind}").write_text("<table><tr><td colspan=2>a</td><td>b</td></tr></table>")
    assert office.read(tmp_path / f"b.{kind}", kind).warnings == []
