"""Office formats, mark-up and mail, read by unstructured; workbooks by openpyxl."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ingest import (
    charts,
    comments,
    diagrams,
    mail,
    markdown_notes,
    markup,
    sheet_shapes,
    sheets,
    slides,
    spans,
    sphinx,
    word,
)
from ingest.decode import decode
from ingest.document import Kind, Piece, Reading
from ingest.drawings import Content, Drawings, place_in_docx
from ingest.embedded import EmbeddedPictures
from ingest.tables import markdown

Progress = Callable[[str, int, int], None]

_PARTITIONS = {
    "docx": "docx",
    "pptx": "pptx",
    "odt": "odt",
    "epub": "epub",
    "rtf": "rtf",
    "html": "html",
    "xml": "xml",
    "md": "html",
    "rst": "rst",
    "org": "org",
    "eml": "email",
    "msg": "msg",
}
_KINDS: dict[str, Kind] = {"ListItem": "list", "Table": "table", "CodeSnippet": "code"}
_PICTURE = "Image"
_LEFT_OUT = frozenset({"PageBreak", "Header", "Footer", _PICTURE, "PageNumber"})
_PAGED = frozenset({"pptx", "xlsx"})  # slides and sheets; other formats have no pages of their own


def read(path: Path, kind: str, pictures: EmbeddedPictures | None = None) -> Reading:
    """Return what the document of that ``kind`` holds, in unstructured's order of elements.

    Its pictures are read by ``pictures``, if given, where they stand: those of slides and sheets
    after what else stands on them, those whose place is not known at the end.
    """
    elements: list[Any] = [] if kind == "xlsx" else _elements(path, kind)
    reading = Reading(_mail_header(path, kind) if kind in ("eml", "msg") else [])
    told = reading.warnings
    if kind == "xlsx":
        reading.pieces += sheets.read(path, told)
        reading.pieces += sheet_shapes.read(path)
    if pictures is None:
        reading.pieces += _pieces(elements, kind, told)
    else:
        with Drawings(path, kind) as drawings:
            reading.pieces += _pieces_with_pictures(elements, kind, told, drawings, pictures)
            if all(piece.kind == "title" for piece in reading.pieces):
                reading.pieces += _pictures(list(drawings.everything()), pictures)
    if kind in ("docx", "pptx"):
        reading.pieces += diagrams.read(path, kind)
        reading.pieces += charts.read(path, kind)
    if kind == "pptx":
        reading.pieces += comments.read(path)
        reading.is_of_slides = True
    if kind in _PAGED:
        reading.pieces.sort(key=lambda piece: piece.page or 0)
        pages = {e.metadata.page_number for e in elements} | {p.page for p in reading.pieces}
        reading.page_count = max(filter(None, pages), default=None)
        reading.pages_with_text = len({p.page for p in reading.pieces if p.page})
    return reading


def _elements(path: Path, kind: str) -> list[Any]:
    partition = _partition(_PARTITIONS[kind])
    mended = _mended(path, kind)
    source = {"filename": str(path)} if mended is None else {"file": io.BytesIO(mended)}
    found: list[Any] = partition(**source, languages=[""], **_options(kind))
    return found


def _as_html(data: bytes) -> bytes:
    """Return Markdown as HTML, by a reader whose work is linear in the text."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    html = reader.render(markdown_notes.written_out(decode(data)))
    return f"<html><body>{html}</body></html>".encode("utf-8", "replace")


def _mended(path: Path, kind: str) -> bytes | None:
    """Return the document as its library reads it whole; ``None`` where that is the file itself."""
    if kind == "eml":
        return mail.readable(path)
    if kind == "md":
        return _as_html(path.read_bytes())
    if kind == "rst":
        return sphinx.written_out(decode(path.read_bytes())).encode("utf-8", "replace")
    return None


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


def _options(kind: str) -> dict[str, Any]:
    if kind in ("eml", "msg"):
        return {"process_attachments": False}
    if kind == "pptx":
        return {"include_slide_notes": True}
    if kind in ("html", "md"):
        return {
            "extract_image_block_types": [_PICTURE],
            "extract_image_block_to_payload": True,
        }
    return {}


def _piece(element: Any, kind: str, told: list[str]) -> Piece:
    """Return what an element says; ``told`` gets what its document's owner is to know."""
    metadata = element.metadata
    page = metadata.page_number if kind in _PAGED else None
    name = type(element).__name__
    if name == "Table" and metadata.text_as_html:
        text, is_whole = _table(metadata.text_as_html)
        if not (is_whole and getattr(element, "is_whole", True)) and spans.NOT_ALL not in told:
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


def _partition(module: str) -> Callable[..., Any]:
    """Return ``partition_<module>``, with unstructured kept off the network."""
    os.environ.setdefault("UNSTRUCTURED_DISABLE_NOTICE", "1")
    tokenize: Any = importlib.import_module("unstructured.nlp.tokenize")
    tokenize._load_spacy_model = _sentence_model
    loaded = importlib.import_module(f"unstructured.partition.{module}")
    if module in ("docx", "odt"):
        place_in_docx()
        word.mend()
    if module == "pptx":
        slides.mend()
    markup.mend()
    partition: Callable[..., Any] = getattr(loaded, f"partition_{module}")
    return partition


def _sentence_model() -> Any:
    """Return a splitter of sentences that parts words at blanks alone.

    unstructured would download a model; it needs it only to tell prose from short lines, which
    does not decide anything here: headings are taken from the document's own levels. spaCy's own
    tokenizer takes time quadratic in a run of punctuation.
    """
    import spacy
    from spacy.tokenizer import Tokenizer

    model = spacy.blank("en")
    model.tokenizer = Tokenizer(model.vocab)
    model.add_pipe("sentencizer")
    return model
