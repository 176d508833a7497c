"""Words of a JATS article's elements: mark-up flattened, formulas on a line, references in words.

Tags are local names: ``ingest.jats.article`` takes the namespaces away.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ingest.formulas import of_mathml

_INLINE: Final = frozenset(
    "abbrev bold email ext-link fixed-case inline-formula inline-graphic italic math mi mn mo "
    "monospace mrow msub msup mtext named-content overline roman ruby sans-serif sc strike "
    "styled-content sub sup tex-math underline uri x xref".split()
)
_APART: Final = frozenset(
    "alt-text break def disp-formula disp-quote entry fn list list-item long-desc p table td th "
    "title".split()
)
_NOTES: Final = frozenset({"aff", "author-notes", "bibr", "corresp", "fn", "table-fn"})
_POWER: Final = re.compile(r"[-−–+]?\d")
_TEX_FRAME: Final = re.compile(r".*\\begin\{document\}|\\end\{document\}.*", re.DOTALL)
_PEOPLE: Final = ("person-group", "name", "string-name", "collab", "etal")
_FIELDS: Final = ("year", "source", "volume", "issue", "fpage", "lpage", "elocation-id")
_TAKEN: Final = frozenset((*_PEOPLE, *_FIELDS))


def text_of(element: Any, *without: str) -> str:
    """Return the element's words on one line, without what follows it or its children so named."""
    parts: list[str] = []
    _add_inside(element, parts, without)
    return even("".join(parts))


def even(text: str) -> str:
    """Return the text with single spaces."""
    return " ".join(text.split())


def add(child: Any, parts: list[str]) -> None:
    """Append a child's words and what follows it, with the spaces that its mark-up stands for."""
    if not isinstance(child.tag, str):  # an entity of the DTD, which is not fetched
        parts.append(html.unescape(child.text))
    else:
        parts.append(_before(child, next((p[-1] for p in reversed(parts) if p), "")))
        _add_inside(child, parts)
        parts.append(_after(child))
    parts.append(child.tail or "")


def _add_inside(element: Any, parts: list[str], without: Sequence[str] = ()) -> None:
    whole = _WHOLE.get(element.tag)
    if whole is not None:
        parts.append(whole(element))
        return
    parts.append(element.text or "")
    for child in element:
        if child.tag in without:
            parts.append(child.tail or "")
        else:
            add(child, parts)


def _before(child: Any, last: str) -> str:
    """Return what parts a child from the character before it.

    The mark of a note must not become part of a word or figure, and 10 to the 5th not be 105.
    """
    if child.tag in _APART:
        return " "
    if child.tag == "xref" and child.get("ref-type") in _NOTES:
        return " " if last.isalnum() and _text(child)[:1].isalnum() else ""
    if child.tag == "sup" and last.isdigit() and child.find("xref") is None:
        return "^" if _POWER.match(_text(child)) else ""
    return ""


def _after(child: Any) -> str:
    """Return a space behind what stands apart, or beside another part of a record."""
    if child.tag in _APART:
        return " "
    following = child.getnext()
    is_last = following is None or bool(child.tail)
    return "" if is_last or {child.tag, following.tag} & _INLINE else " "


def _text(element: Any) -> str:
    return "".join(element.itertext(with_tail=False)).strip()


def _tex(element: Any) -> str:
    """Return the formula without the document that is written around each."""
    return f" {_TEX_FRAME.sub('', _text(element)).strip().strip('$').strip()} "


def reference(ref: Any) -> str:
    """Return an entry of the list of references, with the number that the text calls it by."""
    label = even(ref.findtext("label") or "")
    rest = text_of(ref, "label")
    return f"{label}. {rest}" if label.isdigit() else f"{label} {rest}".strip()


def _citation(citation: Any) -> str:
    """Return a record of a source in words: authors (year). Title. Journal volume: pages. Rest."""
    year, source, volume, issue, first, last, place = (_field(citation, tag) for tag in _FIELDS)
    pages = "–".join(filter(None, (first, last))) or place
    number = f"{volume}({issue})" if issue else volume
    journal = ": ".join(filter(None, (even(f"{source} {number}"), pages)))
    opening = even(f"{', '.join(_people(citation))} {f'({year})' if year else ''}")
    others = [e for e in citation.iterchildren("*") if e.tag not in _TAKEN]
    titles = [text_of(e) for e in others if e.tag.endswith("title")]
    rest = [_identified(e) for e in others if not e.tag.endswith("title")]
    found = (part.rstrip(".") for part in (opening, *titles, journal, *rest))
    return ". ".join(filter(None, found))


def _field(record: Any, tag: str) -> str:
    return " ".join(text_of(element) for element in record.iterchildren(tag))


def _people(record: Any) -> Iterator[str]:
    for element in record.iterchildren(*_PEOPLE):
        if element.tag == "person-group":
            yield from _people(element)
            if element.get("person-group-type") == "editor":
                yield "(editors)"
        elif element.tag == "etal":
            yield "et al"
        else:
            yield text_of(element)


def _identified(element: Any) -> str:
    kind = element.get("pub-id-type") if element.tag == "pub-id" else None
    return f"{kind}: {text_of(element)}" if kind else text_of(element)


_WHOLE: Final[dict[str, Callable[[Any], str]]] = {
    "tex-math": _tex,
    "math": of_mathml,
    "element-citation": _citation,
    "nlm-citation": _citation,
}
