"""Slides of OpenDocument (odp), by its own words (OpenDocument 1.3, part 3, 10.2 and 16)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument
from ingest.odf import ANNOTATION, DRAW, PARAGRAPHS, PRESENTATION, TABLE, TEXT, Package, said
from ingest.ods import of_table

_CLASS: Final = f"{PRESENTATION}class"
_NOTES: Final = f"{PRESENTATION}notes"
_EVERYWHERE: Final = ("header", "footer", "date-time", "page-number")  # the same on each slide
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_SVG: Final = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_LENGTH: Final = re.compile(r"(-?[\d.]+)(cm|mm|in|pt|pc|px)?")
_MILLIMETRES: Final = {"cm": 10, "mm": 1, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6}

Recognise = Callable[[bytes | None, int], list[Piece]]
"""Returns what a picture, by its bytes, says, and the slide that it is on."""


def read(path: Path, recognise: Recognise | None) -> Reading:
    """Return the slides in their order, a page each: the title first, what is said beside a slide
    last; pictures where they are to be recognised. Raises ``CorruptDocument``.
    """
    reading = Reading(is_of_slides=True)
    with Package(path) as package:
        for page, slide in enumerate(package.content().iter(f"{DRAW}page"), 1):
            found = list(_Slide(package, page, reading.warnings, recognise).read(slide))
            reading.pieces += found
            reading.pages_with_text += bool(found)
            reading.page_count = page
    return reading


@dataclass(frozen=True)
class _Slide:
    """One slide; what its owner is to know is added to ``told``."""

    package: Package
    page: int
    told: list[str]
    recognise: Recognise | None

    def read(self, slide: Any) -> Iterator[Piece]:
        shapes = [shape for shape in slide if shape.tag != _NOTES]
        for shape in sorted(shapes, key=_place):
            kind = shape.get(_CLASS)
            if kind == "title":
                yield from self._title(shape)
            elif kind not in _EVERYWHERE:
                yield from self._of(shape)
        for notes in slide.iterchildren(_NOTES):
            for shape in notes:
                if shape.get(_CLASS) not in _EVERYWHERE:
                    yield from self._of(shape)

    def _title(self, shape: Any) -> Iterator[Piece]:
        text = " ".join(filter(None, map(said, shape.iter(*PARAGRAPHS))))
        if text:
            yield Piece("title", text, self.page)

    def _of(self, element: Any, *, is_listed: bool = False) -> Iterator[Piece]:
        """Yield what an element and those within it say."""
        if element.tag in PARAGRAPHS:
            text = said(element)
            if text:
                yield Piece("list" if is_listed else "text", text, self.page)
        elif element.tag == f"{TABLE}table":
            yield from of_table(element, self.page, self.told)
        elif element.tag == f"{DRAW}frame":
            yield from self._frame(element)
        else:
            is_listed = is_listed or element.tag == f"{TEXT}list"
            for child in element:
                yield from self._of(child, is_listed=is_listed)

    def _frame(self, frame: Any) -> Iterator[Piece]:
        """Yield what a frame says by the best of what it holds: a picture beside a table or a chart
        shows the same once more."""
        held = [child for child in frame if child.tag != f"{DRAW}image"]
        pictures = [child for child in frame if child.tag == f"{DRAW}image"]
        found = [piece for child in held for piece in self._held(child)]
        if not found and self.recognise is not None:
            for picture in pictures:
                found += self.recognise(self._bytes(picture), self.page)
        yield from found

    def _held(self, child: Any) -> Iterator[Piece]:
        if child.tag == f"{DRAW}object" and (folder := _folder(child)):
            if self.package.member(f"{folder}content.xml"):
                yield from self._object(folder)
        else:
            yield from self._of(child)

    def _object(self, folder: str) -> Iterator[Piece]:
        """Yield the tables of a document within this one, as a chart is."""
        try:
            content = self.package.content(folder)
        except CorruptDocument:
            self.told.append(f"What is shown in a frame of slide {self.page} is damaged.")
            return
        for table in content.iter(f"{TABLE}table"):
            yield from of_table(table, self.page, self.told)

    def _bytes(self, picture: Any) -> bytes | None:
        return self.package.member(picture.get(_HREF, "").removeprefix("./"))


def _place(shape: Any) -> tuple[int, float, float]:
    """Return where a shape is in the order of reading: titles, then from the top to the bottom;
    what has no place, as a comment on the slide, is last."""
    if shape.get(_CLASS) in ("title", "subtitle"):
        return (("title", "subtitle").index(shape.get(_CLASS)), 0, 0)
    if shape.tag == ANNOTATION:
        return 3, 0, 0
    if shape.tag == f"{DRAW}g":  # where the first of what is in it is
        return min(map(_place, shape), default=(2, 0, 0))
    return 2, _millimetres(shape.get(f"{_SVG}y")), _millimetres(shape.get(f"{_SVG}x"))


def _millimetres(length: str | None) -> float:
    found = _LENGTH.match(length or "0")
    return float(found[1]) * _MILLIMETRES.get(found[2] or "mm", 0.26) if found else 0.0


def _folder(child: Any) -> str:
    """Return where the document lies that an object is, empty if it is not in the file."""
    href = str(child.get(_HREF, "")).removeprefix("./")
    return f"{href}/" if href and ":" not in href else ""
