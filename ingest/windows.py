"""A long document read in windows of pages, between which the parser serves others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from ingest.blocks import pieces
from ingest.document import Box, Kind, Piece, Reading
from ingest.doubts import Doubt
from ingest.lines import Line
from ingest.tables import Cell


@dataclass
class Window:
    """What successive pages hold; ``next_page`` is the one to go on with, ``None`` at the end.

    ``certainties`` (0-1) are those of the pages that were recognised; ``doubts`` are of these, too.
    """

    total: int
    next_page: int | None = None
    lines: list[Line] = field(default_factory=list)
    certainties: list[float] = field(default_factory=list)
    pages_with_text: int = 0
    warnings: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    comments: list[Piece] = field(default_factory=list)


def joined(windows: Sequence[Window]) -> Reading:
    """Return what all windows of a document hold together, titles and tables found."""
    certainties = [certainty for window in windows for certainty in window.certainties]
    found = pieces([line for window in windows for line in window.lines])
    found += [comment for window in windows for comment in window.comments]
    found.sort(key=lambda piece: piece.page or 0)  # comments follow what is on their page
    return Reading(
        pieces=found,
        page_count=windows[-1].total,
        pages_with_text=sum(window.pages_with_text for window in windows),
        ocr_pages=len(certainties),
        ocr_confidence=sum(certainties) / len(certainties) if certainties else None,
        warnings=[warning for window in windows for warning in window.warnings],
        doubts=[(page, language) for window in windows for page, language in window.doubts],
    )


def to_wire(window: Window) -> dict[str, Any]:
    """Return the window as JSON data."""
    return vars(window) | {
        "lines": [astuple(line) for line in window.lines],
        "comments": [astuple(comment) for comment in window.comments],
    }


def from_wire(wire: dict[str, Any]) -> Window:
    """Rebuild what ``to_wire`` wrote."""
    lines = [_line(*fields) for fields in wire["lines"]]
    comments = [_comment(*fields) for fields in wire["comments"]]
    return Window(**wire | {"lines": lines, "comments": comments})


def _line(
    text: str,
    page: int,
    box: Sequence[float],
    size: float,
    bold: bool,
    italic: bool,
    parts: Any,
    place: Sequence[float] | None,
) -> Line:
    cells = tuple(Cell(*part) for part in parts)
    return Line(text, page, _box(box), size, bold, italic, cells, _box(place) if place else None)


def _comment(kind: Kind, text: str, page: int, box: Sequence[float], level: int) -> Piece:
    return Piece(kind, text, page, _box(box), level)


def _box(numbers: Sequence[float]) -> Box:
    x0, y0, x1, y1 = numbers
    return (x0, y0, x1, y1)
