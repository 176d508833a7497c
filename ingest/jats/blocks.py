"""Sections, lists, tables and all else that a JATS article is built of, as pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from ingest.document import Kind, Piece
from ingest.jats.text import add, even, reference, text_of
from ingest.tables import markdown

_TITLES: Final = {
    "abstract": "Abstract",
    "ack": "Acknowledgments",
    "floats-group": "Figures and tables",
    "funding-group": "Funding",
    "permissions": "Permissions",
    "ref-list": "References",
    "trans-abstract": "Abstract",
}
_BLOCKS: Final = frozenset(
    "abstract ack app app-group array author-notes award-group bio boxed-text caption code "
    "custom-meta custom-meta-group def-item def-list disp-quote fig fig-group floats-group fn "
    "fn-group funding-group glossary kwd-group license list list-item notes p permissions "
    "preformat product ref ref-list sec speech statement supplementary-material table table-wrap "
    "table-wrap-foot table-wrap-group title trans-abstract verse-group".split()
)
_ONLY_IN_BLOCKS: Final = ("p", "caption", "sec", "list", "table", "fig")
_ROWS: Final = "./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr"


def section(element: Any, level: int) -> Iterator[Piece]:
    """Yield what an element holds, under its title of that level, or after its label and caption.

    What has neither goes without; some kinds have a usual title.
    """
    if not text_of(element):
        return
    heads = [head for tag in ("label", "title") if (head := element.find(tag)) is not None]
    named = any(head.tag == "title" for head in heads)
    if not named:
        heads += element.iterchildren("caption")
    text, later = _gathered(heads)
    title = text if named else _TITLES.get(element.tag, "")
    if title:
        yield Piece("title", title, level=level)
    if text and not named:
        yield Piece("text", text)
    inner = level + 1 if title else level
    for part in later:
        yield from block(part, inner)
    yield from flow(element, inner, heads)


def flow(element: Any, level: int, without: Sequence[Any] = ()) -> Iterator[Piece]:
    """Yield an element's text and blocks in their order; titles within are of that level."""
    for part in _parts(element, without):
        if isinstance(part, str):
            yield Piece("text", part)
        else:
            yield from block(part, level)


def block(element: Any, level: int) -> Iterator[Piece]:
    """Yield a block of any kind; titles within are of that level."""
    kind = _MERGED.get(element.tag)
    whole = _WHOLE.get(element.tag)
    if kind is not None:
        text, later = _gathered([element])
        if text:
            yield Piece(kind, text)
        for inner in later:
            yield from block(inner, level)
    elif whole is not None:
        yield from whole(element)
    elif element.tag == "p":
        yield from flow(element, level)
    elif element.tag == "title":
        yield Piece("title", text_of(element), level=level)
    else:
        yield from section(element, level)


def _parts(element: Any, without: Sequence[Any] = ()) -> Iterator[Any]:
    """Yield runs of text as strings, and between them the blocks."""
    words = [element.text or ""]
    for child in element:
        if child in without:
            words.append(child.tail or "")
        elif not _is_block(child):
            add(child, words)
        else:
            if text := even("".join(words)):
                yield text
            yield child
            words = [child.tail or ""]
    if text := even("".join(words)):
        yield text


def _is_block(element: Any) -> bool:
    """Whether the element is known as a block, or holds one as only a block does."""
    return element.tag in _BLOCKS or (
        isinstance(element.tag, str) and next(element.iter(*_ONLY_IN_BLOCKS), None) is not None
    )


def _gathered(elements: Iterable[Any]) -> tuple[str, list[Any]]:
    """Return the elements' text, that of their paragraphs included, and other blocks in them."""
    words: list[str] = []
    later: list[Any] = []
    for element in elements:
        for part in _parts(element):
            if isinstance(part, str):
                words.append(part)
            elif part.tag in ("p", "title"):
                text, blocks = _gathered([part])
                words.append(text)
                later += blocks
            else:
                later.append(part)
    return even(" ".join(words)), later


def _reference(ref: Any) -> Iterator[Piece]:
    if text := reference(ref):
        yield Piece("list", text)


def _definition(item: Any) -> Iterator[Piece]:
    told = [text_of(child) for child in item.iterchildren("*")]
    if text := ": ".join(filter(None, told)):
        yield Piece("list", text)


def _keywords(group: Any) -> Iterator[Piece]:
    title = even(group.findtext("title") or "Keywords").rstrip(":")
    words = [text_of(child) for child in group.iterchildren("*") if child.tag != "title"]
    if any(words):
        yield Piece("text", f"{title}: {', '.join(filter(None, words))}")


def _fact(fact: Any) -> Iterator[Piece]:
    yield Piece("text", ": ".join(text_of(child) for child in fact.iterchildren("*")))


def _code(element: Any) -> Iterator[Piece]:
    text = "".join(element.itertext(with_tail=False)).strip("\n")
    if text.strip():
        yield Piece("code", text)


def _table(table: Any) -> Iterator[Piece]:
    for named in table.iterchildren("title", "caption"):
        if text := text_of(named):
            yield Piece("text", text)
    for part in list(table.iterchildren("table")) or [table]:
        yield from _rows(part)


def _rows(table: Any) -> Iterator[Piece]:
    rows = table.xpath(_ROWS)
    cells = [[text_of(cell) for cell in row.iterchildren("td", "th")] for row in rows]
    count = len([row for row in rows if row.getparent().tag == "thead"])
    written = markdown([_one_head(cells[:count]), *cells[count:]] if count > 1 else cells)
    if written:
        yield Piece("table", written)


def _one_head(rows: Sequence[Sequence[str]]) -> list[str]:
    """Join the rows of a head by column, so that a passage's head says all of it."""
    width = max(map(len, rows))
    columns = [[row[i] for row in rows if i < len(row) and row[i]] for i in range(width)]
    return [" ".join(dict.fromkeys(column)) for column in columns]


_MERGED: Final[dict[str, Kind]] = {
    "award-group": "text",
    "caption": "text",
    "fn": "text",
    "license": "text",
    "list-item": "list",
    "verse-group": "text",
}
_WHOLE: Final[dict[str, Callable[[Any], Iterator[Piece]]]] = {
    "array": _table,
    "code": _code,
    "custom-meta": _fact,
    "def-item": _definition,
    "kwd-group": _keywords,
    "preformat": _code,
    "ref": _reference,
    "table": _table,
}
