"""What a JATS article says of itself: its title, people, place of publication and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ingest.document import Piece
from ingest.jats.blocks import block, flow
from ingest.jats.text import even, text_of

_PUBLISHED: Final = (
    ("journal-meta//journal-title", ""),
    ("journal-meta/publisher/publisher-name", ""),
    ("article-meta/pub-date/year", ""),
    ("article-meta/volume", "volume "),
    ("article-meta/issue", "issue "),
    ("article-meta/fpage", "page "),
    ("article-meta/elocation-id", ""),
    ("article-meta/article-id[@pub-id-type='doi']", "doi "),
)
_SUMMARIES: Final = ("abstract", "trans-abstract", "kwd-group")
_NAME: Final = ("prefix", "given-names", "surname", "suffix")
_NOT_NOTES: Final = frozenset(  # read elsewhere, or marks for machines
    "abstract aff article-categories article-id article-meta article-version "
    "article-version-alternatives contrib-group counts elocation-id fpage history issue "
    "journal-meta kwd-group lpage pub-date pub-history self-uri title-group trans-abstract "
    "volume".split()
)


def opening(front: Any, meta: Any, level: int) -> Iterator[Piece]:
    """Yield the title, the authors, where they work, where it was published, and abstracts."""
    for group in meta.iterchildren("title-group"):
        yield from _titles(group, level)
    authors = [person for person in _people(meta) if _is_author(person)]
    lines = (
        ", ".join(dict.fromkeys(filter(None, map(_name, authors)))),
        "; ".join(dict.fromkeys(filter(None, map(_institution, _places(meta, authors))))),
        ", ".join(_published(front)),
    )
    yield from (Piece("text", line) for line in lines if line)
    for summary in meta.iterchildren(*_SUMMARIES):
        yield from block(summary, level + 1)


def notes(front: Any, meta: Any, level: int) -> Iterator[Piece]:
    """Yield what else is said of the article: who did what, funding, licence, other notes."""
    told = [Piece("text", line) for person in _people(meta) if (line := _part(meta, person))]
    for element in dict.fromkeys((meta, front)):  # the same in an article within another
        others = [child for child in element.iterchildren("*") if child.tag in _NOT_NOTES]
        told += flow(element, level + 1, others)
    if told:
        yield Piece("title", "Article information", level=level)
        yield from told


def _titles(group: Any, level: int) -> Iterator[Piece]:
    words = [text_of(title) for title in group.iterchildren("article-title", "subtitle")]
    if any(words):
        yield Piece("title", ": ".join(filter(None, words)), level=level)
    for other in group.iterchildren("trans-title-group", "trans-title"):
        if text := text_of(other):
            yield Piece("text", text)


def _published(front: Any) -> Iterator[str]:
    for place, word in _PUBLISHED:
        found = front.find(place)
        if found is not None:
            yield f"{word}{text_of(found)}"


def _people(meta: Any) -> list[Any]:
    return list(meta.iterfind("contrib-group//contrib"))


def _is_author(person: Any) -> bool:
    return str(person.get("contrib-type", "author")).startswith(("author", "collab"))


def _name(person: Any) -> str:
    name = person.find("name")
    if name is not None:
        return even(" ".join(name.findtext(part) or "" for part in _NAME))
    other = next(person.iterchildren("string-name", "collab", "anonymous"), None)
    return "" if other is None else text_of(other, "contrib-group", "aff")


def _part(meta: Any, person: Any) -> str:
    """Return a person with what they did, for one who is no author also where they work."""
    parts = [text_of(element) for element in person.iterchildren("role", "email", "bio")]
    if not _is_author(person):
        named = _referred([person])
        own = (aff for aff in meta.iter("aff") if aff.get("id") in named)
        parts += map(_institution, (*person.iter("aff"), *own))
    parts = [part for part in parts if part]
    return f"{_name(person)}: {', '.join(parts)}" if parts else ""


def _places(meta: Any, authors: list[Any]) -> list[Any]:
    """Return the authors' institutions: theirs, and all shared ones that are not others' alone."""
    others = [person for person in _people(meta) if not _is_author(person)]
    of_others = _referred(others) - _referred(authors)
    theirs = {aff for person in others for aff in person.iter("aff")}
    return [a for a in meta.iter("aff") if a not in theirs and a.get("id") not in of_others]


def _referred(people: Iterable[Any]) -> set[str]:
    return {rid for p in people for ref in p.iter("xref") for rid in ref.get("rid", "").split()}


def _institution(aff: Any) -> str:
    parts = [child for child in aff.iterchildren("*") if child.tag != "label"]
    is_record = not any((text or "").strip() for text in (aff.text, *(c.tail for c in aff)))
    return ", ".join(filter(None, map(text_of, parts))) if is_record else text_of(aff, "label")
