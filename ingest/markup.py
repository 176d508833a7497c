"""HTML, and what is read by way of it, as unstructured reads it but for what it would lose."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from ingest import spans


def mend() -> None:
    """Have unstructured's reader of HTML, where it is loaded, keep what people read on a page."""
    reader: Any = sys.modules.get("unstructured.partition.html.partition")
    if reader is None:
        return  # this format has nothing to do with HTML
    elements: Any = importlib.import_module("unstructured.partition.html.parser")
    _keep(elements)
    _spread_tables(elements)
    _let_nest(reader, elements)


def _keep(elements: Any) -> None:
    """Keep forms, which some servers put around whole pages, figures, which hold tables and say
    what is shown, and what opens at a click: unstructured leaves them out with all that is within.
    """
    flow, item = elements.Flow, elements.BlockItem
    elements.element_class_lookup.get_namespace(None).update(
        {
            "details": flow,
            "summary": item,
            "fieldset": flow,
            "figcaption": item,
            "figure": flow,
            "form": flow,
            "label": elements.Phrasing,
            "legend": item,
        }
    )


def _spread_tables(elements: Any) -> None:
    block = elements.TableBlock
    if getattr(block, "is_spread", False):
        return
    plain = block.iter_elements

    def spread(self: Any) -> Iterator[Any]:
        is_whole = spans.spread(self)
        for element in plain(self):
            element.is_whole = is_whole
            yield element

    block.iter_elements, block.is_spread = spread, True


def _let_nest(reader: Any, elements: Any) -> None:
    """Let elements nest deeper than 255: there unstructured's parser would end without a word, and
    all that follows be lost. What is too deep for this one raises ``RecursionError``."""
    from lxml import etree

    reader.html_parser = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    reader.html_parser.set_element_class_lookup(elements.element_class_lookup)
