"""Search in knowledge bases: embed, retrieve by words and by meaning, fuse."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.errors import ValidationFailed
from core.models.embed import get_embedder
from core.store.filters import Filter, parse_filter
from core.store.hits import SearchedBase, StoredChunk
from core.store.unit import Store, Unit
from core.text import analyze
from pipelines.search.candidates import Measurer, Scope, by_meaning, by_words, scorer
from pipelines.search.highlight import highlights
from pipelines.search.periods import asked_time
from pipelines.search.query import Hit, Scores, SearchAnswer, SearchQuery
from pipelines.search.ranking import NO_WORDS, Bm25, Candidates, Floats, feedback, fuse
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
    store: Store,
    workspace_id: str,
    base_ids: Sequence[str],
    query: SearchQuery,
    known: Sequence[SearchedBase] = (),
) -> SearchAnswer:
    """Search bases of one workspace as one collection; ``known`` are these bases, where the caller
    has just read them in this workspace.

    Bases of different embedding models or languages are searched apart and their results merged
    by score. Raises :class:`NotFound` if a base is not in the workspace, and
    :class:`ValidationFailed` for a filter that means nothing.
    """
    if not base_ids:
        raise ValidationFailed("Name at least one knowledge base to search in.")
    condition = None if query.filter is None else parse_filter(query.filter)
    clock = _Clock()
    async with store.unit(workspace_id) as unit:
        bases = list(known) or await unit.hits.bases(base_ids)
        clock.lap("basesMs")
        searches = [
            _Search(_scope(alike, query, condition), query, clock) for alike in _alike(bases)
        ]
        for each in searches:
            await each.look_up_words(unit)
    for each in searches:
        await each.embed()
    ranked: list[_Ranked] = []
    async with store.unit(workspace_id) as unit:
        for each in searches:
            ranked.extend(await each.ranked(unit))
        hits = await _hits(unit, _best(ranked, query), query, bases)
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


class _Search:
    """One question to bases of one embedding model and language.

    Its steps are called in order; no transaction and no connection waits for the model.
    """

    def __init__(self, scope: Scope, query: SearchQuery, clock: _Clock) -> None:
        self._scope, self._query, self._clock = scope, query, clock
        self._embedder = get_embedder(scope.bases[0].embedding_model)
        self._words: Bm25 = NO_WORDS
        self._worded: list[int] = []
        self._vector: Floats = np.empty(0, np.float32)

    async def look_up_words(self, unit: Unit) -> None:
        """Find what the words point at, while the question is embedded."""
        mode = self._query.mode
        if mode != "keyword":
            self._embedder.begin_query(self._query.text)
        if mode != "vector":
            terms = analyze(self._query.text, self._scope.bases[0].language)
            self._words = await scorer(unit, self._scope, terms)
            self._worded = await by_words(unit, self._scope, self._words)
            self._clock.lap("keywordMs")

    async def embed(self) -> None:
        if self._query.mode != "keyword":
            self._vector = await self._embedder.embed_query(self._query.text)
            self._clock.lap("embedMs")

    async def ranked(self, unit: Unit) -> list[_Ranked]:
        """Return every candidate with its scores, in no order."""
        measurer = Measurer(self._scope, self._words, asked_time(self._query.text))
        if self._query.mode == "keyword":
            candidates = await measurer.measure(unit, self._worded)
            self._clock.lap("keywordMs")
            return _ranked(candidates, candidates.keyword, keyword=candidates.keyword)
        if self._query.mode == "vector":
            near = await by_meaning(unit, self._scope, self._vector)
            candidates = await measurer.measure(unit, near)
            self._clock.lap("vectorMs")
            cosines = candidates.cosines(self._vector)
            return _ranked(candidates, cosines, vector=cosines)
        return await self._hybrid(unit, measurer)

    async def _hybrid(self, unit: Unit, measurer: Measurer) -> list[_Ranked]:
        vector = self._vector
        near = await by_meaning(unit, self._scope, vector)
        self._clock.lap("vectorMs")
        candidates = await measurer.measure(unit, _union(self._worded, near))
        self._clock.lap("measureMs")
        if not candidates.nos:
            return []
        fused = fuse(candidates, vector, measurer.document_evidence(candidates))
        moved = feedback(candidates, vector, fused)
        near = await by_meaning(unit, self._scope, moved)
        self._clock.lap("vectorMs")
        others = await measurer.measure(unit, _without(near, candidates.nos))
        candidates = candidates.joined(others)
        fused = fuse(candidates, moved, measurer.document_evidence(candidates))
        self._clock.lap("measureMs")
        cosines = candidates.cosines(vector)
        return _ranked(candidates, fused, vector=cosines, keyword=candidates.keyword)


def _union(some: Sequence[int], others: Sequence[int]) -> list[int]:
    return list(dict.fromkeys([*some, *others]))


def _without(some: Sequence[int], others: Sequence[int]) -> list[int]:
    known = set(others)
    return [no for no in some if no not in known]


def _ranked(
    candidates: Candidates,
    scores: Floats,
    *,
    vector: Floats | None = None,
    keyword: Floats | None = None,
) -> list[_Ranked]:
    count = len(candidates.nos)
    parts = [[None] * count if part is None else part.tolist() for part in (vector, keyword)]
    return [
        _Ranked(no, document_id, score, Scores(vector=cosine, keyword=bm25))
        for no, document_id, score, cosine, bm25 in zip(
            candidates.nos, candidates.document_ids, scores.tolist(), *parts, strict=True
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
    unit: Unit, ranked: Sequence[_Ranked], query: SearchQuery, bases: Sequence[SearchedBase]
) -> list[Hit]:
    if not ranked:
        return []
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
