"""Fetches what may answer a question: the best by words, the nearest by meaning, both measured."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from core.store.filters import Filter
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Unit
from core.text import analyze
from pipelines.search.ranking import Bm25, Candidates, Floats, bm25, document_share

_MOST_TERMS: Final = 64  # of a question; the rarest
# Chunks are found by a question's rarest words, as many as have this many postings together.
# The others are in so many chunks that they can hardly change who is among the best.
_MOST_POSTINGS: Final = 20_000
_FEWEST_TERMS: Final = 3
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_DEEPEST: Final = 25_600  # chunks looked through for enough different documents


@dataclass(frozen=True)
class Scope:
    """Where is searched: bases of one embedding model and language, and which of their chunks."""

    bases: Sequence[KnowledgeBase]
    depth: int  # candidates from each side
    needs_documents: bool  # whether as many different documents are wanted
    condition: Filter | None
    are_all_enabled: bool

    @property
    def base_nos(self) -> list[int]:
        return [base.no for base in self.bases]

    def allowed(self, unit: Unit) -> Any:
        """Return the query for the chunks that count, ``None`` if all do."""
        if self.condition is None and self.are_all_enabled:
            return None
        return unit.hits.allowed([base.id for base in self.bases], self.condition)


async def scorer(unit: Unit, scope: Scope, terms: Sequence[str]) -> Bm25:
    """Return BM25 for a question's words over the scope's bases as one collection."""
    counts = Counter(terms)
    frequencies = await unit.postings.document_frequencies(scope.base_nos, list(counts))
    rarest = sorted(frequencies, key=lambda term: (frequencies[term], term))[:_MOST_TERMS]
    return bm25(
        counts,
        {term: frequencies[term] for term in rarest},
        sum(base.chunk_count for base in scope.bases),
        sum(base.word_count for base in scope.bases),
    )


async def by_words(unit: Unit, scope: Scope, words: Bm25) -> list[int]:
    """Return chunk numbers with high BM25, nearly in order."""
    weights = _selective(words)
    if not weights:
        return []

    async def best(limit: int) -> list[int]:
        return await unit.postings.best(
            scope.base_nos, weights, words.saturation, limit, scope.allowed(unit)
        )

    # Words left out may lift a chunk, so look deeper than asked.
    depth = scope.depth if len(weights) == len(words.weights) else 3 * scope.depth
    return await _deep_enough(unit, scope, best, depth)


async def by_meaning(unit: Unit, scope: Scope, vector: Floats) -> list[int]:
    """Return the numbers of the chunks nearest to a unit vector, best first."""

    async def nearest(limit: int) -> list[int]:
        return await unit.vectors.nearest(scope.bases, vector, limit, scope.allowed(unit))

    return await _deep_enough(unit, scope, nearest, scope.depth)


async def measured(unit: Unit, scope: Scope, chunk_nos: Sequence[int], words: Bm25) -> Candidates:
    """Return exact measures of chunks, whichever side found them."""
    known = await unit.hits.placed_vectors(scope.base_nos, chunk_nos)
    names = {chunk.document_id: chunk.document_name for chunk in known}
    openings = await unit.hits.openings(names)
    opening_nos = chain.from_iterable(opening.chunk_nos for opening in openings.values())
    holds = await _term_scores(unit, scope, {*chunk_nos, *opening_nos}, words)
    language = scope.bases[0].language
    shares = {
        document_id: opening.beyond
        * document_share(
            words.weights,
            set(analyze(_EXTENSION.sub("", names[document_id]), language)),
            set(chain.from_iterable(holds[no] for no in opening.chunk_nos)),
        )
        for document_id, opening in openings.items()
    }
    return Candidates(
        nos=[chunk.chunk_no for chunk in known],
        document_ids=[chunk.document_id for chunk in known],
        vectors=np.stack([chunk.vector for chunk in known]) if known else np.empty((0, 0), "f4"),
        keyword=np.array([sum(holds[chunk.chunk_no].values()) for chunk in known], np.float32),
        document=np.array([shares.get(chunk.document_id, 0.0) for chunk in known], np.float32),
    )


async def _term_scores(
    unit: Unit, scope: Scope, chunk_nos: set[int], words: Bm25
) -> defaultdict[int, dict[str, float]]:
    """Return the BM25 of each of the question's terms in each chunk that holds it."""
    scores: defaultdict[int, dict[str, float]] = defaultdict(dict)
    if words.weights and chunk_nos:
        found = await unit.postings.of_chunks(
            scope.base_nos, list(words.weights), sorted(chunk_nos)
        )
        for no, term, frequency, length in found:
            scores[no][term] = words.score(term, frequency, length)
    return scores


async def _deep_enough(
    unit: Unit, scope: Scope, fetch: Callable[[int], Awaitable[list[int]]], limit: int
) -> list[int]:
    """Fetch ``limit`` chunks; and, where documents are wanted, the best of so many documents."""
    found = await fetch(limit)
    if not scope.needs_documents:
        return found
    first = found
    while True:
        documents = await unit.hits.documents_of(found)
        heads = list({documents[no]: no for no in reversed(found) if no in documents}.values())
        if len(heads) >= scope.depth or len(found) < limit or limit >= _DEEPEST:
            return list(dict.fromkeys([*first, *heads]))
        limit *= 4
        found = await fetch(limit)


def _selective(words: Bm25) -> dict[str, float]:
    """Return the weights of the rarest terms."""
    chosen: dict[str, float] = {}
    postings = 0
    for term in sorted(words.weights, key=lambda term: words.chunk_counts[term]):
        postings += words.chunk_counts[term]
        if postings > _MOST_POSTINGS and len(chosen) >= _FEWEST_TERMS:
            break
        chosen[term] = words.weights[term]
    return chosen
