"""HTML, and what is read by way of it, as unstructured reads it but for what it would lose."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from ingest import cells, spans
from ingest.formulas import of_mathml

_OWN_WORDS: Final = (
    ".//text()[not(ancestor::*[self::a or self::nav or self::header or self::footer"
    " or self::aside or self::script or self::style or self::noscript])]"
)


def mend() -> None:
    """Have unstructured's reader of HTML, where it is loaded, keep what people read on a page."""
    reader: Any = sys.modules.get("unstructured.partition.html.partition")
    if reader is None:
        return  # this format has nothing to do with HTML
    elements: Any = importlib.import_module("unstructured.partition.html.parser")
    _keep(elements)
    _spread_tables(elements)
    _write_out_formulas(elements)
    _begin_with_heading(reader)
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
        for row in self.xpath("./tr | ./*/tr"):
            for cell in row.iterchildren("td", "th"):
                _flatten(cell)
        is_whole = spans.spread(self)
        for element in plain(self):
            element.is_whole = is_whole
            yield element

    block.iter_elements, block.is_spread = spread, True


def _flatten(cell: Any) -> None:
    """Leave only words: unstructured would put a blank around each piece of mark-up, "H 2 O"."""
    if len(cell):
        said = cells.words(cell)
        del cell[:]
        cell.text = said


def _write_out_formulas(elements: Any) -> None:
    """Have formulas without TeX beside them read too: unstructured leaves them out."""
    formula = elements.Math
    if getattr(formula, "is_written_out", False):
        return
    beside = formula._latex.fget

    def written(self: Any) -> str:
        return beside(self) or " ".join(of_mathml(self).split())

    formula._latex, formula.is_written_out = property(written), True


def _begin_with_heading(reader: Any) -> None:
    """Have the page's first heading stand above its main part, of which alone unstructured reads:
    many pages have it in a header before that."""
    from lxml import etree

    partitioner = reader._HtmlPartitioner
    if getattr(partitioner, "begins_with_heading", False):
        return
    plain = partitioner._main.func

    def main(self: Any) -> Any:
        found = _most(plain(self))
        etree.strip_elements(found, "rt", "rp", with_tail=False)  # how what is below is read
        cells.part_raised(found)
        for back in found.xpath(".//a[@role='doc-backlink']"):  # from a note to its place
            back.clear(keep_tail=True)
        heading = next(found.getroottree().iter("h1"), None)
        if found.tag == "main" and heading is not None and found.find(".//h1") is None:
            heading.tail, found.text = found.text, None
            found.insert(0, heading)
        return found

    partitioner._main, partitioner.begins_with_heading = cached_property(main), True
    partitioner._main.__set_name__(partitioner, "_main")


def _most(main: Any) -> Any:
    """Return the main part; the whole page, where that holds less than a third of what stands in it
    beside links and what is on each page."""
    body = next(main.iterancestors("body"), None)
    is_least = body is not None and 3 * _count(main) < _count(body)
    return body if is_least else main


def _count(element: Any) -> int:
    return sum(len(text.split()) for text in element.xpath(_OWN_WORDS))


def _let_nest(reader: Any, elements: Any) -> None:
    """Let elements nest deeper than 255: there unstructured's parser would end without a word, and
    all that follows be lost. What is too deep for this one raises ``RecursionError``."""
    from lxml import etree

    reader.html_parser = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    reader.html_parser.set_element_class_lookup(elements.element_class_lookup)
