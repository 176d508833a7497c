"""Fetches what may answer a question: the best by words, the nearest by meaning, both measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.store.filters import Filter
from core.store.hits import SearchedBase
from core.store.measures import MeasuredChunks
from core.store.unit import Unit
from core.text import analyze
from pipelines.search.periods import AskedTime
from pipelines.search.ranking import (
    NO_WORDS,
    Bm25,
    Candidates,
    Floats,
    bm25,
    document_evidence,
    document_share,
)

_MOST_TERMS: Final = 64  # of a question; the rarest
# Chunks are found by a question's rarest words, as many as have this many postings together.
# The others are in so many chunks that they can hardly change who is among the best.
_MOST_POSTINGS: Final = 20_000
_FEWEST_TERMS: Final = 3
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_SHORT: Final = 10  # chunks; every passage of such a document stands near its opening
_DEEPEST: Final = 25_600  # chunks looked through for enough different documents


@dataclass(frozen=True)
class Scope:
    """Where is searched: bases of one embedding model and language, and which of their chunks."""

    bases: Sequence[SearchedBase]
    depth: int  # candidates from each side
    needs_documents: bool  # whether as many different documents are wanted
    condition: Filter | None

    @property
    def base_nos(self) -> list[int]:
        return [base.no for base in self.bases]

    def allowed(self, unit: Unit) -> Any:
        """Return the query for the chunks that count, ``None`` if all do."""
        if self.condition is None and not any(base.has_disabled for base in self.bases):
            return None
        return unit.hits.allowed([base.id for base in self.bases], self.condition)


async def scorer(unit: Unit, scope: Scope, terms: Sequence[str]) -> Bm25:
    """Return BM25 for a question's words over the scope's bases as one collection."""
    counts = Counter(terms)
    if not counts:
        return NO_WORDS
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


class Measurer:
    """Measures the candidates of one question, whichever side found them."""

    def __init__(self, scope: Scope, words: Bm25, time: AskedTime) -> None:
        self._scope = scope
        self._words = words
        self._time = time
        self._names: dict[str, str] = {}  # of the documents of all that was measured
        self._shares: dict[str, float] = {}  # of long documents

    async def measure(self, unit: Unit, chunk_nos: Sequence[int]) -> Candidates:
        """Return exact measures of chunks, in the order of their numbers."""
        words = self._words
        found = await unit.measures.measure(
            self._scope.bases, chunk_nos, words.weights, words.saturation
        )
        self._names.update(zip(found.document_ids, found.document_names, strict=True))
        await self._weigh_documents(unit, found)
        return Candidates(found.nos, found.document_ids, found.vectors, found.keyword)

    def document_evidence(self, candidates: Candidates) -> Floats:
        """Return how far the question speaks of each candidate's document, by all measured yet."""
        others = self._time.misses(self._names)
        return document_evidence(candidates.document_ids, self._shares, others)

    async def _weigh_documents(self, unit: Unit, found: MeasuredChunks) -> None:
        """Note how far the question speaks of each long document that was not weighed before."""
        if not self._words.weights:
            return
        facts = zip(found.document_ids, found.document_names, found.document_lengths, strict=True)
        long = {
            document_id: (name, length)
            for document_id, name, length in facts
            if length > _SHORT and document_id not in self._shares
        }
        if not long:
            return
        openings = await unit.measures.opening_terms(list(long), list(self._words.weights))
        for document_id, (name, length) in long.items():
            named = set(analyze(_EXTENSION.sub("", name), self._scope.bases[0].language))
            opening = openings.get(document_id, set())
            # What is far from the opening has to inherit from it.
            beyond = 1 - _SHORT / length
            share = document_share(self._words.weights, named, opening)
            self._shares[document_id] = beyond * share


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
