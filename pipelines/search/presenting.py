"""From ranked chunks to results: read, equal texts collapsed, widened, words marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from core.store.hits import SearchedBase, StoredChunk
from core.store.unit import Store, Unit
from core.text import analyze
from pipelines.search.highlight import highlights
from pipelines.search.query import Duplicate, Hit, Scores, SearchQuery
from pipelines.search.window import reach, widened


class Ranked(NamedTuple):
    """A chunk with its scores, not yet read; one is made for each candidate, so it is a tuple."""

    chunk_no: int
    document_id: str
    score: float
    vector: float | None
    keyword: float | None
    rerank: float | None = None


@dataclass(frozen=True)
class Found:
    """A chunk with its scores and its text, and others of the same text that rank lower."""

    item: Ranked
    chunk: StoredChunk
    duplicates: tuple[StoredChunk, ...] = ()


def best(ranked: list[Ranked], query: SearchQuery) -> list[Ranked]:
    """Return all in order, one a document if so asked; equal scores keep the order of writing."""
    ranked.sort(key=lambda item: (-item.score, item.chunk_no))
    if query.min_score is not None and not query.rerank:  # a reranker gives scores of its own
        ranked = [item for item in ranked if item.score >= query.min_score]
    if query.group_by == "document":
        first = {item.document_id: item for item in reversed(ranked)}
        ranked = sorted(first.values(), key=lambda item: (-item.score, item.chunk_no))
    return ranked


async def read(
    unit: Unit, ranked: Sequence[Ranked], wanted: int, query: SearchQuery
) -> list[Found]:
    """Read the first ``wanted`` chunks of different texts; those deleted meanwhile are passed over.

    With documents as results every document counts. Where there are too few different texts equal
    ones fill up, behind them: a search gives ``top_k`` results if so many match.
    """
    found: dict[str, Found] = {}
    equal: list[tuple[str, Found]] = []
    at = 0
    while at < len(ranked) and len(found) < wanted:
        part = ranked[at : at + wanted - len(found)]
        at += len(part)
        chunks = await unit.hits.get([item.chunk_no for item in part])
        for item in part:
            if item.chunk_no not in chunks:
                continue
            chunk = chunks[item.chunk_no]
            key = chunk.document_id if query.group_by == "document" else _plain(chunk.content)
            if key in found:
                equal.append((key, Found(item, chunk)))
            else:
                found[key] = Found(item, chunk)
    missing = max(query.top_k - len(found), 0)
    for key, hidden in equal[missing:]:
        first = found[key]
        found[key] = replace(first, duplicates=(*first.duplicates, hidden.chunk))
    return [*found.values(), *(shown for _, shown in equal[:missing])]


def _plain(content: str) -> str:
    return " ".join(content.split()).casefold()


async def hits(
    store: Store,
    workspace_id: str,
    found: Sequence[Found],
    query: SearchQuery,
    bases: Sequence[SearchedBase],
) -> list[Hit]:
    """Return the results as they are answered: the first ``top_k``, widened and marked as asked."""
    shown = list(found[: query.top_k])
    if query.expand and shown:
        parents = {base.id: base.parent_tokens for base in bases}
        chunks = [each.chunk for each in shown]
        async with store.unit(workspace_id) as unit:
            around = await unit.hits.around(
                chunks, max(reach(tokens) for tokens in parents.values())
            )
        shown = [
            replace(each, chunk=widened(each.chunk, around, parents[each.chunk.base_id]))
            for each in shown
        ]
    languages = {base.id: base.language for base in bases}
    marked = {
        language: frozenset(analyze(query.text, language)) if query.highlight else frozenset()
        for language in set(languages.values())
    }
    return [
        _hit(each, marked[language], language)
        for each in shown
        for language in [languages[each.chunk.base_id]]
    ]


def _hit(found: Found, marked: frozenset[str], language: str) -> Hit:
    chunk, item = found.chunk, found.item
    return Hit(
        id=chunk.id,
        document_id=chunk.document_id,
        document_name=chunk.document_name,
        content=chunk.content,
        score=item.score,
        scores=Scores(item.vector, item.keyword, item.rerank),
        chunk_index=chunk.index,
        metadata=chunk.metadata,
        page=chunk.page,
        bbox=chunk.bbox,
        start_offset=chunk.start_offset,
        end_offset=chunk.end_offset,
        heading_path=chunk.heading_path,
        highlights=highlights(chunk.content, marked, language) if marked else [],
        duplicates=[Duplicate(o.id, o.document_id, o.document_name) for o in found.duplicates],
        base_id=chunk.base_id,
        edited=chunk.edited,
    )
