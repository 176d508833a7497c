"""Tables of slides, whose merged cells unstructured reads as one with text and others without."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ingest.spans import LONGEST


@lru_cache(maxsize=1)
def spread_tables() -> None:
    """Have what was merged say in each of its cells what it says, as in other tables."""
    partitioner: Any = importlib.import_module("unstructured.partition.pptx")._PptxPartitioner
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
