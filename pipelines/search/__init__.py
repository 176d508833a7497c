"""Search in knowledge bases: embed, retrieve by words and by meaning, fuse."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import ValidationFailed
from core.models.embed import get_embedder
from core.store.filters import Filter, parse_filter
from core.store.hits import SearchedBase, StoredChunk
from core.store.unit import Store, Unit
from core.text import analyze
from pipelines.search.candidates import Measurer, Scope, by_meaning, by_words, scorer
from pipelines.search.highlight import highlights
from pipelines.search.query import Hit, Scores, SearchAnswer, SearchQuery
from pipelines.search.ranking import Bm25, Candidates, Floats, feedback, fuse
from pipelines.search.window import widened

__all__ = ["Hit", "Scores", "SearchAnswer", "SearchQuery", "search"]

_SHALLOWEST = 100  # candidates from each side


@dataclass(frozen=True)
class _Ranked:
    chunk_no: int
    document_id: str
    score: float
    scores: Scores


@dataclass
class _Clock:
    """Milliseconds spent on each part."""

    parts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.parts[part] += round((now - self._last) * 1000, 3)
        self._last = now


async def search(
    store: Store, workspace_id: str, base_ids: Sequence[str], query: SearchQuery
) -> SearchAnswer:
    """Search bases of one workspace as one collection.

    Bases of different embedding models or languages are searched apart and their results merged
    by score. Raises :class:`NotFound` if a base is not in the workspace, and
    :class:`ValidationFailed` for a filter that means nothing.
    """
    if not base_ids:
        raise ValidationFailed("Name at least one knowledge base to search in.")
    condition = None if query.filter is None else parse_filter(query.filter)
    clock = _Clock()
    async with store.unit(workspace_id) as unit:
        bases = await unit.hits.bases(base_ids)
    clock.lap("basesMs")
    ranked: list[_Ranked] = []
    for alike in _alike(bases):
        scope = _scope(alike, query, condition)
        ranked.extend(await _Search(store, workspace_id, scope, query, clock).ranked())
    best = _best(ranked, query)
    hits = await _hits(store, workspace_id, best, query, bases)
    clock.lap("readMs")
    timings = {**clock.parts, "totalMs": round(sum(clock.parts.values()), 3)}
    return SearchAnswer(hits, timings, len(hits))


def _alike(bases: Sequence[SearchedBase]) -> list[list[SearchedBase]]:
    groups: dict[tuple[str, str], list[SearchedBase]] = {}
    for base in bases:
        groups.setdefault((base.embedding_model, base.language), []).append(base)
    return list(groups.values())


def _scope(bases: Sequence[SearchedBase], query: SearchQuery, condition: Filter | None) -> Scope:
    depth = max(_SHALLOWEST, query.top_k)
    return Scope(bases, depth, query.group_by == "document", condition)


@dataclass
class _Search:
    """One question to bases of one embedding model and language."""

    store: Store
    workspace_id: str
    scope: Scope
    query: SearchQuery
    clock: _Clock

    async def ranked(self) -> list[_Ranked]:
        if self.query.mode == "keyword":
            return await self._keyword()
        if self.query.mode == "vector":
            return await self._vector()
        return await self._hybrid()

    async def _embedded(self) -> Floats:
        embedder = get_embedder(self.scope.bases[0].embedding_model)
        return await embedder.embed_query(self.query.text)

    def _terms(self) -> list[str]:
        return analyze(self.query.text, self.scope.bases[0].language)

    async def _by_words(self, unit: Unit) -> tuple[Bm25, list[int]]:
        words = await scorer(unit, self.scope, self._terms())
        return words, await by_words(unit, self.scope, words)

    async def _keyword(self) -> list[_Ranked]:
        async with self.store.unit(self.workspace_id) as unit:
            words, found = await self._by_words(unit)
            candidates = await Measurer(self.scope, words).measure(unit, found)
        self.clock.lap("keywordMs")
        return [
            _Ranked(no, document_id, score, Scores(keyword=score))
            for no, document_id, score in zip(
                candidates.nos, candidates.document_ids, candidates.keyword.tolist(), strict=True
            )
        ]

    async def _vector(self) -> list[_Ranked]:
        vector = await self._embedded()
        self.clock.lap("embedMs")
        async with self.store.unit(self.workspace_id) as unit:
            found = await by_meaning(unit, self.scope, vector)
            words = await scorer(unit, self.scope, [])
            candidates = await Measurer(self.scope, words).measure(unit, found)
        self.clock.lap("vectorMs")
        return [
            _Ranked(no, document_id, score, Scores(vector=score))
            for no, document_id, score in zip(
                candidates.nos,
                candidates.document_ids,
                candidates.cosines(vector).tolist(),
                strict=True,
            )
        ]

    async def _hybrid(self) -> list[_Ranked]:
        """Words are looked up while the question is embedded; no transaction waits for that."""
        embedding = asyncio.ensure_future(self._embedded())
        try:
            async with self.store.unit(self.workspace_id) as unit:
                words, worded = await self._by_words(unit)
            self.clock.lap("keywordMs")
            vector = await embedding
        finally:
            embedding.cancel()
        self.clock.lap("embedMs")
        measurer = Measurer(self.scope, words)
        async with self.store.unit(self.workspace_id) as unit:
            near = await by_meaning(unit, self.scope, vector)
            self.clock.lap("vectorMs")
            candidates = await measurer.measure(unit, _union(worded, near))
            self.clock.lap("measureMs")
            if not candidates.nos:
                return []
            moved = feedback(candidates, vector, fuse(candidates, vector))
            near = await by_meaning(unit, self.scope, moved)
            self.clock.lap("vectorMs")
            candidates = candidates.joined(
                await measurer.measure(unit, _without(near, candidates.nos))
            )
        fused = fuse(candidates, moved)
        self.clock.lap("measureMs")
        return _with_scores(candidates, fused, vector)


def _union(some: Sequence[int], others: Sequence[int]) -> list[int]:
    return list(dict.fromkeys([*some, *others]))


def _without(some: Sequence[int], others: Sequence[int]) -> list[int]:
    known = set(others)
    return [no for no in some if no not in known]


def _with_scores(candidates: Candidates, fused: Floats, vector: Floats) -> list[_Ranked]:
    columns = (candidates.cosines(vector), candidates.keyword, fused)
    return [
        _Ranked(no, document_id, score, Scores(vector=cosine, keyword=keyword))
        for no, document_id, cosine, keyword, score in zip(
            candidates.nos, candidates.document_ids, *(c.tolist() for c in columns), strict=True
        )
    ]


def _best(ranked: list[_Ranked], query: SearchQuery) -> list[_Ranked]:
    """Return the best, one a document if so asked; equal scores keep the order of writing."""
    ranked.sort(key=lambda item: (-item.score, item.chunk_no))
    if query.min_score is not None:
        ranked = [item for item in ranked if item.score >= query.min_score]
    if query.group_by == "document":
        first = {item.document_id: item for item in reversed(ranked)}
        ranked = sorted(first.values(), key=lambda item: (-item.score, item.chunk_no))
    return ranked[: query.top_k]


async def _hits(
    store: Store,
    workspace_id: str,
    ranked: Sequence[_Ranked],
    query: SearchQuery,
    bases: Sequence[SearchedBase],
) -> list[Hit]:
    if not ranked:
        return []
    async with store.unit(workspace_id) as unit:
        chunks = await unit.hits.get([item.chunk_no for item in ranked])
        if query.expand:
            neighbours = await unit.hits.around(list(chunks.values()))
            chunks = {no: widened(chunk, neighbours) for no, chunk in chunks.items()}
    hits = [_hit(chunks[item.chunk_no], item) for item in ranked if item.chunk_no in chunks]
    return _highlighted(hits, query, bases[0].language) if query.highlight else hits


def _highlighted(hits: Sequence[Hit], query: SearchQuery, language: str) -> list[Hit]:
    terms = frozenset(analyze(query.text, language))
    return [replace(hit, highlights=highlights(hit.content, terms, language)) for hit in hits]


def _hit(chunk: StoredChunk, item: _Ranked) -> Hit:
    return Hit(
        id=chunk.id,
        document_id=chunk.document_id,
        document_name=chunk.document_name,
        content=chunk.content,
        score=item.score,
        scores=item.scores,
        chunk_index=chunk.index,
        metadata=chunk.metadata,
        page=chunk.page,
        bbox=chunk.bbox,
        start_offset=chunk.start_offset,
        end_offset=chunk.end_offset,
        heading_path=chunk.heading_path,
    )
