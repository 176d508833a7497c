"""Slides as unstructured reads them but for what it would lose: formulas, merged cells, notes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, Final

from ingest import formulas
from ingest.spans import LONGEST

_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"
_DRAWING: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_CHOICES: Final = (
    "./p:cSld/p:spTree//*[local-name()='AlternateContent'][not(ancestor::a:p)]"
    "[*[local-name()='Choice']/*[self::p:sp or self::p:grpSp or self::p:graphicFrame]]"
)


@lru_cache(maxsize=1)
def mend() -> None:
    """Have unstructured's reader of slides keep what people see on them, in the order of reading:
    the title first, what is said beside a slide last."""
    partitioner: Any = importlib.import_module("unstructured.partition.pptx")._PptxPartitioner
    _spread_tables(partitioner)
    _mend_presentation(partitioner)
    _order(partitioner)


def _mend_presentation(partitioner: Any) -> None:
    plain = partitioner._presentation.func

    def presentation(self: Any) -> Any:
        shown = plain(self)
        for slide in shown.slides:
            _choose(slide._element)
            formulas.write_out(slide._element, _DRAWING)
        return shown

    partitioner._presentation = cached_property(presentation)
    partitioner._presentation.__set_name__(partitioner, "_presentation")


def _choose(slide: Any) -> None:
    """Leave, of shapes that are kept for old programs too, those for new ones: only they have the
    formulas."""
    for alternatives in slide.xpath(_CHOICES):
        for shape in alternatives.find(_CHOICE):
            alternatives.addprevious(shape)
        alternatives.getparent().remove(alternatives)


def _order(partitioner: Any) -> None:
    by_place, of_notes = partitioner._order_shapes, partitioner._iter_maybe_slide_notes
    plain = partitioner._iter_presentation_elements

    def order_shapes(self: Any, slide: Any) -> tuple[Any, list[Any]]:
        title, shapes = by_place(self, slide)
        return title, sorted(shapes, key=lambda shape: shape != title)

    def hold_notes(self: Any, slide: Any) -> Iterator[Any]:
        self.notes = [*getattr(self, "notes", ()), *of_notes(self, slide)]
        return iter(())

    def with_notes(self: Any) -> Iterator[Any]:
        yield from plain(self)
        yield from getattr(self, "notes", ())  # each has the number of its slide

    partitioner._order_shapes = order_shapes
    partitioner._iter_maybe_slide_notes = hold_notes
    partitioner._iter_presentation_elements = with_notes


def _spread_tables(partitioner: Any) -> None:
    """Have what was merged say in each of its cells what it says, as in other tables."""
    plain = partitioner._iter_table_element

    def spread(self: Any, frame: Any) -> Iterator[Any]:
        _spread(frame.table)
        yield from plain(self, frame)

    partitioner._iter_table_element = spread


def _spread(table: Any) -> None:
    width = len(table.columns)
    for top, row in enumerate(table.rows):
        for left, cell in enumerate(row.cells):
            text = cell.text
            if cell.is_merge_origin and cell.span_width < width and 0 < len(text) <= LONGEST:
                for across in range(left, left + cell.span_width):
                    for down in range(top, top + cell.span_height):
                        table.cell(down, across).text = text
