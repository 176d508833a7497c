"""Slides as unstructured is given them, so that it loses nothing that people see on them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ingest import formulas
from ingest.document import Piece
from ingest.spans import LONGEST

_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"
_DRAWING: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MEDIA: Final = ("/image", "/audio", "/video", "/media")
_CHOICES: Final = (
    "./p:cSld/p:spTree//*[local-name()='AlternateContent'][not(ancestor::a:p)]"
    "[*[local-name()='Choice']/*[self::p:sp or self::p:grpSp or self::p:graphicFrame]]"
)


def prepare_presentation(path: Path) -> tuple[io.BytesIO, list[Piece]]:
    """Return a copy with formulas and merged cells written out and titles on top, where
    unstructured begins to read; and what is said beside the slides."""
    from pptx import Presentation

    presentation = Presentation(str(path))
    notes: list[Piece] = []
    for page, slide in enumerate(presentation.slides, 1):
        _choose(slide.element)
        formulas.write_out(slide.element, _DRAWING)
        for table in _tables(slide.shapes):
            _spread(table)
        if slide.shapes.title is not None:
            slide.shapes.title.left = slide.shapes.title.top = 0
        _drop_media(slide.part)
        frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if frame is not None and (words := frame.text.replace("\v", "\n").strip()):
            notes.append(Piece("text", words, page))
    copy = io.BytesIO()
    presentation.save(copy)
    copy.seek(0)
    return copy, notes


def _choose(slide: Any) -> None:
    """Leave, of shapes that are kept for old programs too, those for new ones: only they have the
    formulas."""
    for alternatives in slide.xpath(_CHOICES):
        for shape in alternatives.find(_CHOICE):
            alternatives.addprevious(shape)
        alternatives.getparent().remove(alternatives)


def _drop_media(part: Any) -> None:
    """Have the copy be without what takes the most of it, and is not read from it."""
    for name, relation in list(part.rels.items()):
        if relation.reltype.endswith(_MEDIA):
            part.rels.pop(name)


def _tables(shapes: Any) -> Iterator[Any]:
    from pptx.shapes.group import GroupShape

    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _tables(shape.shapes)
        elif shape.has_table:
            yield shape.table


def _spread(table: Any) -> None:
    """Have what was merged say in each of its cells what it says, as in other tables."""
    width = len(table.columns)
    for top, row in enumerate(table.rows):
        for left, cell in enumerate(row.cells):
            text = cell.text
            if cell.is_merge_origin and cell.span_width < width and 0 < len(text) <= LONGEST:
                for across in range(left, left + cell.span_width):
                    for down in range(top, top + cell.span_height):
                        table.cell(down, across).text = text
