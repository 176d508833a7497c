"""What charts draw is read as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest import charts, office
from ingest.document import Piece

PLACE = (Inches(1), Inches(1), Inches(4), Inches(3))


def _slides(path: Path, *drawn: tuple[Any, Any]) -> Path:
    shown = Presentation()
    for kind, data in drawn:
        slide = shown.slides.add_slide(shown.slide_layouts[5])
        slide.shapes.title.text = "Ducks"
        chart = slide.shapes.add_chart(kind, *PLACE, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Counted by year"
    shown.save(str(path))
    return path


def _categories() -> CategoryChartData:
    data = CategoryChartData()
    data.categories = ["2019", "2020"]
    data.add_series("Fresh", (120, 135))
    data.add_series("Salt", (80, None))
    return data


def test_categories_and_series_are_rows_and_columns(tmp_path: Path) -> None:
    path = _slides(tmp_path / "a.pptx", (XL_CHART_TYPE.COLUMN_CLUSTERED, _categories()))
    assert list(charts.read(path, "pptx")) == [
        Piece("text", "Counted by year", 1),
        Piece(
            "table",
            "|  | Fresh | Salt |\n| --- | --- | --- |\n| 2019 | 120 | 80 |\n| 2020 | 135 |",
            1,
        ),
    ]


def test_points_of_a_plane_are_told_by_both_their_numbers(tmp_path: Path) -> None:
    data = XyChartData()
    series = data.add_series("Heights")
    series.add_data_point(1.5, 20)
    series.add_data_point(2.5, 30)
    path = _slides(tmp_path / "a.pptx", (XL_CHART_TYPE.XY_SCATTER, data))
    (table,) = [piece.text for piece in charts.read(path, "pptx") if piece.kind == "table"]
    assert table.endswith("| 1.5 | 20 |\n| 2.5 | 30 |")


def test_a_chart_stands_with_its_slide(tmp_path: Path) -> None:
    drawn = (XL_CHART_TYPE.PIE, _categories())
    pieces = office.read(_slides(tmp_path / "a.pptx", drawn, drawn), "pptx").pieces
    assert [(piece.kind, piece.page) for piece in pieces] == [
        (kind, page) for page in (1, 2) for kind in ("title", "text", "table")
    ]


def test_a_damaged_chart_does_not_fail_its_slide(tmp_path: Path) -> None:
    drawn = (XL_CHART_TYPE.PIE, _categories())
    whole = _slides(tmp_path / "a.pptx", drawn)
    with ZipFile(whole) as old, ZipFile(tmp_path / "b.pptx", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<c:chart" if "charts/chart" in name else old.read(name))
    assert list(charts.read(tmp_path / "b.pptx", "pptx")) == []
    damaged = bytearray((tmp_path / "a.pptx").read_bytes())
    with ZipFile(whole) as old:
        (info,) = [each for each in old.infolist() if "charts/chart" in each.filename]
    damaged[info.header_offset + 120] ^= 0xFF
    (tmp_path / "c.pptx").write_bytes(damaged)
    assert list(charts.read(tmp_path / "c.pptx", "pptx")) == []
