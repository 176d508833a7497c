"""Slides in the layouts that PowerPoint begins with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pptx import Presentation
from pptx.util import Cm

from evals.documents.source import Block, Group, Heading, Items, Paragraph, Table

_TITLE_SLIDE, _TEXT_SLIDE, _TITLE_ONLY = 0, 1, 5
_TABLE: Final = (Cm(2), Cm(5), Cm(21), Cm(8))


def write_slides(blocks: Iterable[Block], path: Path) -> None:
    """Write a presentation with a slide for each heading."""
    presentation = Presentation()
    slides: list[list[Block]] = []
    for block in blocks:
        if isinstance(block, Heading):
            slides.append([])
        slides[-1].append(block)
    for slide in slides:
        _add_slide(presentation, slide)
    presentation.save(str(path))


def _add_slide(presentation: Any, blocks: list[Block]) -> None:
    kinds = {type(block) for block in blocks}
    layout = _TITLE_SLIDE if Paragraph in kinds else _TEXT_SLIDE
    layout = _TITLE_ONLY if Table in kinds else layout
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    for block in blocks:
        match block:
            case Heading(text=text):
                slide.shapes.title.text = text
            case Paragraph(parts=parts):
                slide.placeholders[1].text = "".join(text for text, _ in parts)
            case Items(texts=texts):
                slide.placeholders[1].text = "\n".join(texts)
            case Table():
                _add_table(slide, block)
            case Group(blocks=notes):
                said = [
                    "".join(text for text, _ in p.parts) for p in notes if isinstance(p, Paragraph)
                ]
                slide.notes_slide.notes_text_frame.text = "\n".join(said)


def _add_table(slide: Any, table: Table) -> None:
    shape = slide.shapes.add_table(len(table.rows), len(table.rows[0]), *_TABLE)
    for top, row in enumerate(table.rows):
        for left, cell in enumerate(row):
            if cell.is_covered:
                continue
            place = shape.table.cell(top, left)
            if cell.columns > 1 or cell.rows > 1:
                place.merge(shape.table.cell(top + cell.rows - 1, left + cell.columns - 1))
            place.text = cell.text
