"""A whole article: its parts in the order of reading, and XML that is damaged or no article."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ingest.decode import decode
from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument
from ingest.jats import cals
from ingest.jats.blocks import flow, section
from ingest.jats.front import notes, opening
from ingest.jats.text import text_of
from ingest.spans import NOT_ALL, spread

_HEAD: Final = 65_536
_ARTICLE: Final = re.compile(r"<(?:[\w.-]+:)?article[\s>]")
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_CHOICES: Final = {  # of what says the same, the first that there is
    "alternatives": ("table", "array", "tex-math", "math", "textual-form", "preformat", "code"),
    "citation-alternatives": ("mixed-citation", "element-citation", "nlm-citation"),
    "aff-alternatives": ("aff",),
    "collab-alternatives": ("collab",),
    "name-alternatives": ("name", "string-name"),
}
_PARTS: Final = ("front", "front-stub", "body", "floats-group", "back", "sub-article", "response")
_HARMLESS: Final = (  # names that are not declared where they should be lose no text
    "ERR_UNDECLARED_ENTITY",
    "WAR_UNDECLARED_ENTITY",
    "NS_ERR_UNDEFINED_NAMESPACE",
)
_UNSEEN: Final = (
    "annotation annotation-xml contrib-id institution-id issue-id object-id processing-meta "
    "volume-id"
).split()


def read(path: Path) -> Reading | None:
    """Return what the article holds, ``None`` where the XML is no such article.

    Damaged XML is read as far as it can be, with a warning. Raises ``CorruptDocument``.
    """
    data = path.read_bytes()
    if not _ARTICLE.search(decode(data[:_HEAD])):
        return None
    root, warnings = _parsed(data)
    try:
        if not _is_article(root):
            return None
        _tidy(root)
        cals.rewrite(root)
        spread_out = [spread(table) for table in list(root.iter("table", "array"))]
        if not all(spread_out):
            warnings.append(NOT_ALL)
        reading = Reading(list(_article(root, 1)), warnings=warnings)
    except RecursionError as error:
        raise CorruptDocument("The article is nested too deeply: flatten it.") from error
    language = root.get(_LANGUAGE, "").partition("-")[0].lower()
    reading.languages = (language,) if len(language) == 2 else ()
    return reading


def _parsed(data: bytes) -> tuple[Any, list[str]]:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        recover=True,
    )
    root = etree.fromstring(data, parser)
    faults = [e for e in parser.error_log if e.type_name not in _HARMLESS]
    if root is None:
        raise CorruptDocument("The XML is damaged: save it again and upload the new file.")
    if not faults:
        return root, []
    return root, [f"The XML is damaged in line {faults[0].line}: text may be missing from there."]


def _is_article(root: Any) -> bool:
    return _local(root) == "article" and any(
        _local(child) in ("front", "body") for child in root.iterchildren("*")
    )


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _tidy(root: Any) -> None:
    """Leave local names, one of each choice, and nothing that is not to be read."""
    from lxml import etree

    for element in root.iter("*"):
        element.tag = _local(element)
    etree.strip_elements(root, *_UNSEEN, with_tail=False)
    for choice in list(root.iter(*_CHOICES)):
        _choose(choice, _CHOICES[choice.tag])
    for formula in list(root.iter("disp-formula", "inline-formula")):
        if next(formula.iter("tex-math"), None) is not None:
            etree.strip_elements(formula, "math", with_tail=False)
    etree.strip_tags(root, *_CHOICES)


def _choose(choice: Any, wanted: Sequence[str]) -> None:
    said = [child for child in choice.iterchildren("*") if text_of(child)]
    order = {tag: place for place, tag in enumerate(wanted)}
    said.sort(key=lambda child: order.get(child.tag, len(order)))
    for other in said[1:]:
        choice.remove(other)


def _article(article: Any, level: int) -> Iterator[Piece]:
    """Yield an article, or one within another, under its title of that level."""
    front = next(article.iterchildren("front", "front-stub"), None)
    meta = front if front is None or front.tag == "front-stub" else front.find("article-meta")
    if meta is not None:
        yield from opening(front, meta, level)
    for part in article.iterchildren("body", "floats-group"):
        yield from (flow if part.tag == "body" else section)(part, level + 1)
    for part in article.iterchildren("back"):
        yield from flow(part, level + 1)
    known = [part for part in article.iterchildren("*") if part.tag in _PARTS]
    yield from flow(article, level + 1, known)
    if meta is not None:
        yield from notes(front, meta, level + 1)
    for part in article.iterchildren("sub-article", "response"):
        yield from _article(part, level + 1)
