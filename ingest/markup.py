"""Pages of HTML as unstructured is given them, so that it loses nothing that people read."""

from __future__ import annotations

from typing import Any, Final

from ingest import cells, spans
from ingest.formulas import of_mathml

# unstructured leaves out forms, which some servers put around whole pages, figures, which hold
# tables and say what is shown, and what opens at a click, with all that is within.
_LEFT_OUT: Final = dict.fromkeys(
    ("details", "summary", "fieldset", "figcaption", "figure", "form", "legend"), "div"
) | {"label": "span"}
_OWN_WORDS: Final = (
    ".//text()[not(ancestor::*[self::a or self::nav or self::header or self::footer"
    " or self::aside or self::script or self::style or self::noscript])]"
)
_TEX: Final = ".//annotation[contains(translate(@encoding, 'TEX', 'tex'), 'tex')]"
_CONTAINERS: Final = frozenset({"article", "blockquote", "center", "div", "section"})
_DEEPEST_READ: Final = 200  # levels; unstructured's parser ends at 256 without a word
_DEEPEST: Final = 1_000


def prepare_page(text: str) -> tuple[str, bool]:
    """Return the page's main part, and whether all cells of its tables are in their places.

    Raises ``RecursionError`` for a page that is nested too deeply.
    """
    from lxml import etree, html

    parser = html.HTMLParser(
        remove_comments=True, remove_pis=True, huge_tree=True, encoding="utf-8"
    )
    try:
        data = text.replace("\x00", "\ufffd").encode("utf-8", "replace")
        root = html.document_fromstring(data, parser=parser)
    except etree.ParserError:  # nothing but comments
        return "", True
    main = _find_main(root)
    etree.strip_elements(main, "rt", "rp", with_tail=False)  # how what is below is read
    cells.part_raised(main)
    for back in main.xpath(".//a[@role='doc-backlink']"):  # from a note to its place
        back.clear(keep_tail=True)
    for element in list(main.iter(*_LEFT_OUT)):
        element.tag = _LEFT_OUT[element.tag]
    _write_formulas(main)
    is_whole = _fill_tables(main)
    _limit_depth(main)
    return etree.tostring(main, encoding="unicode", method="html", with_tail=False), is_whole


def _find_main(root: Any) -> Any:
    """Return the main part with the page's first heading, which many pages have in a header before
    it; the whole page, where that part holds less than a third of what stands in it beside links
    and what is on each page."""
    body = root.find(".//body")
    main = root.find(".//main")
    if main is None or (body is not None and 3 * _count_words(main) < _count_words(body)):
        whole = root if body is None else body
        for part in list(whole.iter("main")):
            part.tag = "div"  # of which alone unstructured would read
        return whole
    heading = next(root.iter("h1"), None)
    if heading is not None and main.find(".//h1") is None:
        heading.tail, main.text = main.text, None
        main.insert(0, heading)
    return main


def _count_words(element: Any) -> int:
    return sum(len(text.split()) for text in element.xpath(_OWN_WORDS))


def _write_formulas(main: Any) -> None:
    """Write out formulas without TeX beside them, which unstructured leaves out."""
    for formula in list(main.iter("math")):
        if formula.get("alttext", "").strip() or formula.xpath(_TEX):
            continue
        words = " ".join(of_mathml(formula).split())
        is_block = formula.get("display", "").strip().lower() == "block"
        formula.clear(keep_tail=True)
        formula.tag, formula.text = "div" if is_block else "span", words


def _fill_tables(main: Any) -> bool:
    """Put merged cells into each of their places, and leave only words in each cell: unstructured
    would put a blank around each piece of mark-up, "H 2 O"."""
    is_whole = True
    for table in list(main.iter("table")):
        if next(table.iterancestors("table"), None) is not None:
            continue  # its words are those of a cell
        for row in table.xpath("./tr | ./*/tr"):
            for cell in row.iterchildren("td", "th"):
                if len(cell):
                    words = cells.words(cell)
                    del cell[:]
                    cell.text = words
        is_whole &= spans.spread(table)
    return is_whole


def _limit_depth(main: Any) -> None:
    """Take away containers that are nested deeper than is read, but not what is in them."""
    from lxml import etree

    deep = []
    depth = 0
    for event, element in etree.iterwalk(main, ("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start" and depth > _DEEPEST_READ:
            deep.append(element)
        if depth > _DEEPEST:
            raise RecursionError
    for element in deep:
        if element.tag in _CONTAINERS:
            for place in (element.addprevious, element.addnext):
                place(element.makeelement("hr"))  # keeps paragraphs apart, and says nothing
            element.drop_tag()
        elif element.tag in cells.INLINE:
            element.drop_tag()
