"""Office formats, mark-up and mail, read by unstructured; workbooks by openpyxl."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest import (
    charts,
    comments,
    diagrams,
    mail,
    markdown_html,
    markdown_notes,
    markup,
    pandoc,
    sheet_shapes,
    sheets,
    slides,
    spans,
    sphinx,
    word,
)
from ingest.decode import decode
from ingest.document import Kind, Piece, Reading
from ingest.drawings import Content, Drawings
from ingest.embedded import EmbeddedPictures
from ingest.sentence_model import load_sentence_model
from ingest.tables import markdown

_KINDS: dict[str, Kind] = {"ListItem": "list", "Table": "table", "CodeSnippet": "code"}
_PICTURE = "Image"
_LEFT_OUT = frozenset({"PageBreak", "Header", "Footer", _PICTURE, "PageNumber"})
_PAGED = frozenset({"pptx", "xlsx"})  # slides and sheets; other formats have no pages of their own


def read(path: Path, kind: str, pictures: EmbeddedPictures | None = None) -> Reading:
    """Return what the document of that ``kind`` holds, in unstructured's order of elements.

    Its pictures are read by ``pictures``, if given, where they stand: those of slides and sheets
    after what else stands on them, those whose place is not known at the end.
    """
    reading = Reading(_mail_header(path, kind) if kind in ("eml", "msg") else [])
    told = reading.warnings
    if kind == "xlsx":
        reading.pieces += sheets.read(path, told)
        reading.pieces += sheet_shapes.read(path)
        found = _Partition()
    else:
        found = _partition(path, kind, with_pictures=pictures is not None)
    if not found.is_whole:
        told.append(spans.NOT_ALL)
    if pictures is None:
        reading.pieces += _pieces(found.elements, kind, told)
    else:
        with Drawings(path, kind, found.marks) as drawings:
            reading.pieces += _pieces_with_pictures(found.elements, kind, told, drawings, pictures)
            if all(piece.kind == "title" for piece in reading.pieces):
                reading.pieces += _pictures(list(drawings.everything()), pictures)
    if kind in ("docx", "pptx"):
        reading.pieces += diagrams.read(path, kind)
        reading.pieces += charts.read(path, kind)
    if kind == "pptx":
        reading.pieces += found.notes
        reading.pieces += comments.read(path)
        reading.is_of_slides = True
    if kind in _PAGED:
        _number_pages(reading, found.elements)
    return reading


def _number_pages(reading: Reading, elements: list[Any]) -> None:
    reading.pieces.sort(key=lambda piece: piece.page or 0)
    pages = {e.metadata.page_number for e in elements} | {p.page for p in reading.pieces}
    reading.page_count = max(filter(None, pages), default=None)
    reading.pages_with_text = len({p.page for p in reading.pieces if p.page})


@dataclass
class _Partition:
    """What unstructured found; ``marks`` are the texts that stand for pictures, ``notes`` what is
    said beside slides."""

    elements: list[Any] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    notes: list[Piece] = field(default_factory=list)
    is_whole: bool = True


def _partition(path: Path, kind: str, *, with_pictures: bool) -> _Partition:
    """Return what unstructured finds in the document, prepared so that nothing is lost."""
    if kind == "docx":
        copy, marks = word.prepare_document(path, with_pictures=with_pictures)
        return _Partition(_elements("docx", file=copy), marks)
    if kind == "pptx":
        copy, notes = slides.prepare_presentation(path)
        return _Partition(_elements("pptx", file=copy), notes=notes)
    if kind == "xml":
        return _Partition(_elements("xml", filename=str(path)))
    if kind in ("eml", "msg"):
        shown, text = mail.body(path, kind)
        return _page(text) if shown == "html" else _Partition(_elements("text", text=text))
    return _page(_as_html(path, kind))


def _page(text: str) -> _Partition:
    page, is_whole = markup.prepare_page(text)
    options = {"extract_image_block_types": [_PICTURE], "extract_image_block_to_payload": True}
    return _Partition(_elements("html", text=page, **options), is_whole=is_whole)


def _as_html(path: Path, kind: str) -> str:
    if kind in ("epub", "org", "rtf"):
        return pandoc.to_html(path, kind)
    text = decode(path.read_bytes())
    if kind == "md":
        return markdown_html.as_html(markdown_notes.written_out(text))
    return pandoc.text_to_html(sphinx.written_out(text), kind) if kind == "rst" else text


def _elements(module: str, **arguments: Any) -> list[Any]:
    """Return the elements that ``partition_<module>`` finds, kept off the network."""
    if not arguments.get("text", "."):
        return []
    os.environ.setdefault("UNSTRUCTURED_DISABLE_NOTICE", "1")
    load_sentence_model()
    loaded = importlib.import_module(f"unstructured.partition.{module}")
    partition: Callable[..., list[Any]] = getattr(loaded, f"partition_{module}")
    return partition(**arguments, languages=[""])


def _pieces(elements: list[Any], kind: str, told: list[str]) -> Iterator[Piece]:
    for element in elements:
        if type(element).__name__ not in _LEFT_OUT:
            piece = _piece(element, kind, told)
            if piece.text:
                yield piece


def _pieces_with_pictures(
    elements: list[Any],
    kind: str,
    told: list[str],
    drawings: Drawings,
    pictures: EmbeddedPictures,
) -> Iterator[Piece]:
    rest = list(drawings.rest(elements))
    pictures.expect(sum(drawings.holds(element) for element in elements) + len(rest))
    for element in elements:
        if drawings.holds(element):
            yield from pictures.read(drawings.of(element))
        else:
            yield from _pieces([element], kind, told)
    for page, content in rest:
        yield from pictures.read(content(), page)


def _pictures(contents: list[Content], pictures: EmbeddedPictures) -> Iterator[Piece]:
    pictures.expect(len(contents))
    for content in contents:
        yield from pictures.read(content())


def _piece(element: Any, kind: str, told: list[str]) -> Piece:
    """Return what an element says; ``told`` gets what its document's owner is to know."""
    metadata = element.metadata
    page = metadata.page_number if kind in _PAGED else None
    name = type(element).__name__
    if name == "Table" and metadata.text_as_html:
        text, is_whole = _table(metadata.text_as_html)
        if not is_whole and spans.NOT_ALL not in told:
            told.append(spans.NOT_ALL)
        return Piece("table", text, page)
    text = _clean(element.text)
    if name == "Title" and _is_heading(element, kind):
        level = (metadata.category_depth or 0) + 1
        return Piece("title", " ".join(text.split()), page, level=level)
    return Piece(_KINDS.get(name, "text"), text, page)


def _is_heading(element: Any, kind: str) -> bool:
    """Whether the title has a level of its own; others are only short lines."""
    if kind == "pptx":
        return bool(element.metadata.category_depth == 0)
    return element.metadata.category_depth is not None


def _clean(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\x00", "\ufffd").splitlines())
    joined = "\n".join(lines).strip("\n")
    return joined.encode("utf-8", "replace").decode()


def _table(html: str) -> tuple[str, bool]:
    """Return a table as Markdown, and whether all of its cells are in their places."""
    from lxml import html as parser

    root = parser.fragment_fromstring(html, create_parent="div")
    spread_out = [spans.spread(table) for table in root.iter("table")]
    rows = (
        [_clean(str(cell.text_content())) for cell in row.iterchildren("td", "th")]
        for row in root.iter("tr")
    )
    captions = [_clean(str(caption.text_content())) for caption in root.iter("caption")]
    return "\n".join(filter(None, [*captions, markdown(rows)])), all(spread_out)


def _mail_header(path: Path, kind: str) -> list[Piece]:
    subject, lines = mail.heading(path, kind)
    title = " ".join(_clean(subject).split())
    found = [Piece("title", title), Piece("text", _clean("\n".join(lines)))]
    return [piece for piece in found if piece.text]
