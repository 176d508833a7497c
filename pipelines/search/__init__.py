"""Search in knowledge bases: embed, retrieve by words and by meaning, fuse."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Final

import numpy as np
import structlog

from core.errors import ValidationFailed
from core.models.embed import get_embedder
from core.store.filters import Filter, parse_filter
from core.store.hits import SearchedBase
from core.store.unit import Store, Unit
from core.text import analyze
from pipelines.search.candidates import Measurer, Scope, by_words, scorer
from pipelines.search.periods import asked_time
from pipelines.search.presenting import Found, Ranked, best, hits, read
from pipelines.search.query import Hit, Scores, SearchAnswer, SearchQuery
from pipelines.search.ranking import NO_WORDS, Bm25, Candidates, Floats, feedback, fuse
from pipelines.search.reranking import DEPTH, configured, reranked

__all__ = ["LEAST_NEAREST", "Hit", "Scores", "SearchAnswer", "SearchQuery", "search"]

log = structlog.get_logger(__name__)
_SHALLOWEST: Final = 100  # candidates from each side
# Candidates for each result, and at least so many: nearest to the question where words have found
# their hundred as well, and looked for where the best answers point.
_FIRST_LOOK: Final = 4
LEAST_NEAREST: Final = 48
_SECOND_LOOK: Final = 3
_LEAST_SECOND: Final = 30


@dataclass
class _Clock:
    """Milliseconds spent on each part."""

    parts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.parts[part] += (now - self._last) * 1000
        self._last = now

    def told(self) -> dict[str, float]:
        """Return the parts and their sum."""
        every = {**self.parts, "totalMs": sum(self.parts.values())}
        return {part: round(milliseconds, 3) for part, milliseconds in every.items()}


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
    :class:`ValidationFailed` for a filter that means nothing, or to rerank without a model for it.
    """
    if not base_ids:
        raise ValidationFailed("Name at least one knowledge base to search in.")
    condition = None if query.filter is None else parse_filter(query.filter)
    reranker = configured() if query.rerank else None
    clock = _Clock()
    async with store.unit(workspace_id) as unit:
        bases = list(known) or await unit.hits.bases(base_ids)
        clock.lap("basesMs")
        searches = [
            _Search(workspace_id, _scope(alike, query), condition, query, clock)
            for alike in _alike(bases)
        ]
        for each in searches:
            await each.look_up(unit)
    for each in searches:
        await each.embed()
    found = await _best(store, workspace_id, searches, query)
    clock.lap("readMs")
    if reranker is not None:
        found = await reranked(reranker, query, found, workspace_id)
        clock.lap("rerankMs")
    results = await hits(store, workspace_id, found, query, bases)
    clock.lap("readMs")
    timings = clock.told()
    if not results:
        _look_into(bases, query, timings)
    return SearchAnswer(results, timings, len(results))


def _look_into(
    bases: Sequence[SearchedBase], query: SearchQuery, timings: Mapping[str, float]
) -> None:
    """Log an empty answer where something is always near: it was seen once, and not explained."""
    is_whole = query.filter is None and query.min_score is None and query.mode != "keyword"
    held = {base.id: base.chunk_count for base in bases if not base.has_disabled}
    if is_whole and any(held.values()):
        log.warning("search found nothing among passages", bases=held, timings=dict(timings))


async def _best(
    store: Store, workspace_id: str, searches: Sequence[_Search], query: SearchQuery
) -> list[Found]:
    """Return what all searches found, the best of it read."""
    async with store.unit(workspace_id) as unit:
        ranked = [found for each in searches for found in await each.ranked(unit)]
        return await read(unit, best(ranked, query), _wanted(query), query)


def _wanted(query: SearchQuery) -> int:
    """Return how many results are read: a reranker wants more to choose from."""
    return max(query.top_k, DEPTH) if query.rerank else query.top_k


def _alike(bases: Sequence[SearchedBase]) -> list[list[SearchedBase]]:
    groups: dict[tuple[str, str], list[SearchedBase]] = {}
    for base in bases:
        groups.setdefault((base.embedding_model, base.language), []).append(base)
    return list(groups.values())


def _scope(bases: Sequence[SearchedBase], query: SearchQuery) -> Scope:
    return Scope(bases, max(_SHALLOWEST, query.top_k), query.group_by == "document")


class _Search:
    """One question to bases of one embedding model and language.

    Its steps are called in order; no transaction and no connection waits for the model.
    """

    def __init__(
        self,
        workspace_id: str,
        scope: Scope,
        condition: Filter | None,
        query: SearchQuery,
        clock: _Clock,
    ) -> None:
        self._workspace_id = workspace_id
        self._scope, self._condition, self._query, self._clock = scope, condition, query, clock
        self._embedder = get_embedder(scope.bases[0].embedding_model)
        self._words: Bm25 = NO_WORDS
        self._worded: dict[int, float] = {}  # BM25 by chunk
        self._measured: Candidates | None = None  # what words found, where there was time for it
        self._vector: Floats = np.empty(0, np.float32)

    async def look_up(self, unit: Unit) -> None:
        """Find what is allowed, and what the words point at, while the question is embedded; if
        that takes longer, measure it as well."""
        mode = self._query.mode
        if mode != "keyword":
            self._embedder.begin_query(self._query.text, self._workspace_id)
        self._scope = await self._scope.filtered(unit, self._condition)
        self._clock.lap("filterMs")
        if mode != "vector":
            terms = analyze(self._query.text, self._scope.bases[0].language)
            self._words = await scorer(unit, self._scope, terms)
            self._worded = await by_words(unit, self._scope, self._words)
            self._clock.lap("keywordMs")
        when, weighs = asked_time(self._query.text), mode == "hybrid"
        self._measurer = Measurer(self._scope, self._words, when, weighs=weighs)
        if weighs and self._worded and self._has_time():
            self._measured = await self._measurer.scored(unit, self._worded)
            self._clock.lap("keywordMs")

    def _has_time(self) -> bool:
        """Whether the question is still being embedded, and it alone: a statement more costs what
        others wait for."""
        is_embedded = self._embedder.begin_query(self._query.text, self._workspace_id).done()
        return not is_embedded and not self._embedder.is_crowded

    async def embed(self) -> None:
        if self._query.mode != "keyword":
            self._vector = await self._embedder.embed_query(self._query.text, self._workspace_id)
            self._clock.lap("embedMs")

    async def ranked(self, unit: Unit) -> list[Ranked]:
        """Return every candidate with its scores, in no order."""
        mode, measurer = self._query.mode, self._measurer
        if mode == "keyword":
            candidates = await measurer.scored(unit, self._worded)
            self._clock.lap("keywordMs")
            return _ranked(candidates, candidates.keyword, keyword=candidates.keyword)
        if mode == "vector":
            candidates = await measurer.near(unit, self._vector)
            self._clock.lap("vectorMs")
            cosines = candidates.cosines(self._vector)
            return _ranked(candidates, cosines, vector=cosines)
        return await self._hybrid(unit)

    async def _hybrid(self, unit: Unit) -> list[Ranked]:
        vector, measurer = self._vector, self._measurer
        depth = self._depth(_FIRST_LOOK, LEAST_NEAREST) if self._worded else None
        if self._measured is None:
            candidates = await measurer.near(unit, vector, self._worded, depth)
        else:
            candidates = self._measured.joined(await measurer.near(unit, vector, depth=depth))
        self._clock.lap("vectorMs")
        if not candidates.nos:
            return []
        fused = fuse(candidates, vector, measurer.document_evidence(candidates))
        moved = feedback(candidates, vector, fused)
        self._clock.lap("fuseMs")
        depth = self._depth(_SECOND_LOOK, _LEAST_SECOND)
        candidates = candidates.joined(await measurer.near(unit, moved, depth=depth))
        self._clock.lap("vectorMs")
        fused = fuse(candidates, moved, measurer.document_evidence(candidates))
        cosines = candidates.cosines(vector)
        ranked = _ranked(candidates, fused, vector=cosines, keyword=candidates.keyword)
        self._clock.lap("fuseMs")
        return ranked

    def _depth(self, times: int, least: int) -> int:
        """Return how many are looked for: so many times the results, within bounds."""
        return min(max(least, times * _wanted(self._query)), self._scope.depth)


def _ranked(
    candidates: Candidates,
    scores: Floats,
    *,
    vector: Floats | None = None,
    keyword: Floats | None = None,
) -> list[Ranked]:
    nothing = [None] * len(candidates.nos)
    parts = [nothing if part is None else part.tolist() for part in (vector, keyword)]
    rows = zip(candidates.nos, candidates.document_ids, scores.tolist(), *parts, strict=True)
    return list(starmap(Ranked, rows))
