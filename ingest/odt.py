"""Texts of OpenDocument as pandoc has to get them, which would else lose a part without a word:
fields (dates, and names that a letter was filled in with), what stands in boxes, shapes, comments
and tables within tables (OpenDocument 1.3, part 3, 5 to 7 and 10).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ingest import pandoc
from ingest.comments import told
from ingest.odf import ANNOTATION, DRAW, PARAGRAPHS, TABLE, TEXT, Package, paragraphs
from ingest.repacked import with_part

_CONTENT: Final = "content.xml"
_CREATOR: Final = "{http://purl.org/dc/elements/1.1/}creator"
_SPAN: Final = f"{TEXT}span"
# What pandoc reads in paragraphs by itself, and what nobody is to see.
_KNOWN: Final = frozenset(
    f"{TEXT}{name}"
    for name in (
        *("p", "h", "span", "a", "s", "tab", "line-break", "list", "list-item", "list-header"),
        *("note", "note-citation", "note-body", "sequence", "bookmark", "bookmark-start"),
        *("bookmark-end", "bookmark-ref", "reference-mark", "reference-mark-start"),
        *("reference-mark-end", "reference-ref", "hidden-text", "hidden-paragraph", "script"),
        "ruby-text",
    )
)
_BLOCKS: Final = (*PARAGRAPHS, f"{TEXT}list", f"{TABLE}table")


@contextmanager
def convert_text(path: Path) -> Iterator[Path]:
    """Give the text as a document of Word by pandoc, that goes afterwards.

    Raises ``CorruptDocument``, and what :mod:`ingest.pandoc` does.
    """
    from lxml import etree

    with Package(path) as package:
        content = package.content()
    _mend(content)
    with (
        zipfile.ZipFile(path) as archive,
        with_part(archive, _CONTENT, etree.tostring(content), "odt") as copy,
        pandoc.as_docx(copy, "odt") as converted,
    ):
        yield converted


def _mend(content: Any) -> None:
    for field in list(content.iter(f"{TEXT}*")):
        if field.tag not in _KNOWN and _paragraph(field) is not None:
            field.tag = _SPAN
            field.attrib.clear()
    for table in list(content.iter(f"{TABLE}table")):
        if next(table.iterancestors(f"{TABLE}table-cell"), None) is not None:
            _replace(table, list(table.iter(*PARAGRAPHS)))
    for paragraph in list(content.iter(f"{TEXT}numbered-paragraph")):
        _replace(paragraph, list(paragraph))
    for comment in content.iter(ANNOTATION):
        _tell(comment)
    for box in list(content.iter(f"{DRAW}*", ANNOTATION)):
        blocks = list(box.iterchildren(*_BLOCKS))
        if blocks:
            _move_behind(box, blocks)


def _tell(comment: Any) -> None:
    """Have a comment be one paragraph, which says that it is one and whose."""
    words, author = paragraphs(comment), comment.findtext(_CREATOR)
    for child in list(comment):
        comment.remove(child)
    if words:
        comment.append(paragraph := comment.makeelement(PARAGRAPHS[0]))
        paragraph.text = told(words, author)


def _paragraph(element: Any) -> Any:
    """Return the paragraph that an element is within, not beyond a box or a note."""
    return next(element.iterancestors(*PARAGRAPHS), None)


def _move_behind(box: Any, blocks: list[Any]) -> None:
    """Put what stands in a box behind the paragraph that it is anchored to, and remove the box."""
    outer = box.getparent() if box.getparent().tag == f"{DRAW}frame" else box
    anchor = _paragraph(outer)
    if anchor is None:  # to the page
        _replace(outer, blocks)
        return
    _remove(outer)
    for block in reversed(blocks):
        block.tail = None
        anchor.addnext(block)


def _replace(element: Any, others: list[Any]) -> None:
    for other in others:
        other.tail = None
        element.addprevious(other)
    _remove(element)


def _remove(element: Any) -> None:
    """Remove an element, but not the text behind it."""
    before, parent = element.getprevious(), element.getparent()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)
