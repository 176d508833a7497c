"""What a parsed document is made of; every offset counts code points of ``ParsedDocument.text``.

Pages start at 1. A box is ``(x0, y0, x1, y1)`` in 0-1 from the page's top left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Box = tuple[float, float, float, float]
Kind = Literal["title", "text", "list", "table", "code"]


@dataclass(frozen=True)
class Element:
    """One block of a document: ``document.text[start:end] == text``.

    ``heading_path`` lists the headings above the element, outermost first; a title's own text is
    not part of its path. A table's rows are its lines.
    """

    kind: Kind
    text: str
    page: int | None
    bbox: Box | None
    heading_path: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class ParsedDocument:
    """A document's text and its structure.

    ``pages_with_text`` counts pages that gave any text, recognised or written;
    ``ocr_confidence`` is the mean certainty (0-1) of recognised words, ``None`` without OCR;
    ``languages`` are hints from the document itself (``en``, ``de``), possibly none.
    """

    text: str
    elements: tuple[Element, ...]
    page_count: int | None = None
    pages_with_text: int = 0
    ocr_pages: int = 0
    ocr_confidence: float | None = None
    languages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """A passage to be found: ``document.text[start:end] == text``; it never crosses a page.

    ``context`` is the header row of the table that the passage continues, else empty.
    """

    index: int
    text: str
    page: int | None
    bbox: Box | None
    heading_path: tuple[str, ...]
    start: int
    end: int
    token_count: int
    context: str = ""


@dataclass(frozen=True)
class Piece:
    """A block before it has a place in the text; ``level`` is a title's depth, 1 outermost."""

    kind: Kind
    text: str
    page: int | None = None
    bbox: Box | None = None
    level: int = 1


@dataclass
class Reading:
    """What a reader of one format found: pieces in reading order, and what there is to know."""

    pieces: list[Piece] = field(default_factory=list)
    page_count: int | None = None
    pages_with_text: int = 0
    ocr_pages: int = 0
    ocr_confidence: float | None = None
    languages: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
    is_of_slides: bool = False  # a page without a title is not under that of the page before
    doubts: list[tuple[int | None, str]] = field(default_factory=list)  # of ingest.doubts


_BREAK = "\n\n"


def assemble(reading: Reading) -> ParsedDocument:
    """Join the pieces with blank lines and give each its offsets and its headings."""
    elements: list[Element] = []
    headings: list[tuple[int, str]] = []
    position = 0
    for piece in reading.pieces:
        if reading.is_of_slides and elements and elements[-1].page != piece.page:
            headings = []
        if piece.kind == "title":
            headings = [h for h in headings if h[0] < piece.level]
        path = tuple(text for _, text in headings)
        end = position + len(piece.text)
        elements.append(
            Element(piece.kind, piece.text, piece.page, piece.bbox, path, position, end)
        )
        position = end + len(_BREAK)
        if piece.kind == "title":
            headings.append((piece.level, " ".join(piece.text.split())))
    return ParsedDocument(
        text=_BREAK.join(piece.text for piece in reading.pieces),
        elements=tuple(elements),
        page_count=reading.page_count,
        pages_with_text=reading.pages_with_text,
        ocr_pages=reading.ocr_pages,
        ocr_confidence=reading.ocr_confidence,
        languages=reading.languages,
        warnings=tuple(reading.warnings),
    )


def to_wire(document: ParsedDocument) -> dict[str, Any]:
    """Return the document as JSON data; the elements' texts are cut from ``text`` again."""
    wire = {name: getattr(document, name) for name in _PLAIN_FIELDS}
    wire["elements"] = [
        [e.kind, e.page, e.bbox, e.heading_path, e.start, e.end] for e in document.elements
    ]
    return wire


def from_wire(wire: dict[str, Any]) -> ParsedDocument:
    """Rebuild what ``to_wire`` wrote."""
    text: str = wire["text"]
    elements = tuple(
        Element(kind, text[start:end], page, _box(bbox), tuple(path), start, end)
        for kind, page, bbox, path, start, end in wire["elements"]
    )
    plain = {name: wire[name] for name in _PLAIN_FIELDS}
    plain["languages"] = tuple(plain["languages"])
    plain["warnings"] = tuple(plain["warnings"])
    return ParsedDocument(elements=elements, **plain)


def union(boxes: Sequence[Box]) -> Box | None:
    """Return the smallest box around ``boxes``, ``None`` when there are none."""
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def _box(values: Sequence[float] | None) -> Box | None:
    if values is None:
        return None
    x0, y0, x1, y1 = values
    return (x0, y0, x1, y1)


_PLAIN_FIELDS = (
    "text",
    "page_count",
    "pages_with_text",
    "ocr_pages",
    "ocr_confidence",
    "languages",
    "warnings",
)
