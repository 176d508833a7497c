"""Charts of slides and texts: the title, and the figures that are drawn, as a table.

A chart's part of an Office Open XML file keeps what it draws (ECMA-376, part 1, 21.2): categories
and values by their number in a series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from ingest.document import Piece
from ingest.package import Package, parsed
from ingest.tables import markdown

_TITLE: Final = "*[local-name()='chart']/*[local-name()='title']//*[local-name()='t']/text()"

_LONG: Final = re.compile(r"\A-?\d+\.\d{12,}\Z")  # with the digits that its binary form adds


def read(path: Path, kind: str) -> Iterator[Piece]:
    """Yield the charts of a pptx by their slides, of a docx in the order of its text."""
    with ZipFile(path) as archive:
        package = Package(archive)
        for page, part in package.pages(kind):
            for data in package.charts(part):
                yield from _pieces(parsed(data), page)


def _pieces(chart: Any, page: int | None) -> Iterator[Piece]:
    if not len(chart):
        return
    title = " ".join("".join(chart.xpath(_TITLE)).split())
    if title:
        yield Piece("text", title, page)
    series = chart.xpath("//*[local-name()='ser']")
    if table := markdown(_rows([_Series(each) for each in series])):
        yield Piece("table", table, page)


class _Series:
    """What is drawn as one line or one colour; points by their number."""

    def __init__(self, element: Any) -> None:
        name = element.xpath("*[local-name()='tx']//*[local-name()='v']/text()")
        self.name = str(name[0]) if name else ""
        self.categories = _points(element, "cat", "xVal")
        self.values = _points(element, "val", "yVal")


def _points(series: Any, *names: str) -> dict[int, str]:
    found = {}
    for name in names:
        for point in series.xpath(f"*[local-name()='{name}']//*[local-name()='pt']"):
            value = point.xpath("*[local-name()='v']/text()")
            number = point.get("idx", "")
            if value and number.isdecimal():
                found[int(number)] = _LONG.sub(_rounded, str(value[0]))
    return found


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number.group()):.15g}"


def _rows(series: list[_Series]) -> Iterator[list[str]]:
    if not any(each.values for each in series):
        return
    yield ["", *(each.name for each in series)]
    categories = {n: text for each in reversed(series) for n, text in each.categories.items()}
    for number in sorted(set(categories).union(*(each.values for each in series))):
        yield [categories.get(number, ""), *(each.values.get(number, "") for each in series)]
