"""The part of a PDF's page that is a scan, though text stands beside it or is stamped upon it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ingest import ocr
from ingest.document import Box, union
from ingest.lines import Line, displayed
from ingest.tables import Cell

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGE: Final = 0.3  # of the page are its pictures together
_SMALL: Final = 0.02  # of the page is a logo
_FEWEST_CHARACTERS: Final = 200  # upon the pictures; more are what somebody recognised before


def scanned_part(page: Any, lines: Sequence[Line]) -> Box | None:
    """Return what large pictures take up of a page with hardly any of its text upon them."""
    large = [box for box in pictures(page) if _area(box) >= _SMALL]
    part = union(large)
    if part is None or sum(map(_area, large)) < _LARGE:
        return None
    upon = sum(len(line.text) for line in lines if _is_upon(line, part))
    return part if upon < _FEWEST_CHARACTERS else None


def recognise_part(
    image: Image, part: Box, lines: list[Line], page: int, languages: str
) -> tuple[list[Line], float | None, str | None]:
    """Return the page's lines with those recognised in a part of its picture among them, and the
    certainty of these, ``None`` where there are none, as in a photograph; and the language that
    they may be in instead."""
    (left, top), (right, bottom) = (
        (round(x * image.width), round(y * image.height)) for x, y in (part[:2], part[2:])
    )
    found = ocr.recognise(image.crop((left, top, right, bottom)), page, languages)
    on_page = [_on_page(line, part) for line in found.lines]
    new = [line for line in on_page if not any(_is_upon(line, known.box) for known in lines)]
    if not new:
        return lines, None, found.doubt
    first = min(line.box[1] for line in new)
    above = [line for line in lines if line.box[1] < first]
    below = [line for line in lines if line.box[1] >= first]
    return [*above, *new, *below], found.confidence, found.doubt


def pictures(page: Any) -> Iterator[Box]:
    """Yield the boxes of the page's own pictures; of those in forms the place is not known."""
    import pypdfium2.raw as pdfium

    for picture in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=1):
        left, bottom, right, top = picture.get_bounds()
        yield displayed(page, left, bottom, right, top)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_upon(line: Line, part: Box) -> bool:
    x, y = (line.shown[0] + line.shown[2]) / 2, (line.shown[1] + line.shown[3]) / 2
    return part[0] <= x <= part[2] and part[1] <= y <= part[3]


def _on_page(line: Line, part: Box) -> Line:
    """Return a line of the part's picture as one of the page's."""
    left, width, height = part[0], part[2] - part[0], part[3] - part[1]
    cells = tuple(
        Cell(each.text, left + each.left * width, left + each.right * width) for each in line.parts
    )
    return replace(
        line,
        box=_within(line.box, part),
        place=line.place and _within(line.place, part),
        size=line.size * height,
        parts=cells,
    )


def _within(box: Box, part: Box) -> Box:
    width, height = part[2] - part[0], part[3] - part[1]
    return (
        part[0] + box[0] * width,
        part[1] + box[1] * height,
        part[0] + box[2] * width,
        part[1] + box[3] * height,
    )
