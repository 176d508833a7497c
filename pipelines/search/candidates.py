"""Fetches what may answer a question: the best by words, the nearest by meaning, both measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from core.store.allowed import Allowed
from core.store.filters import Filter
from core.store.hits import SearchedBase
from core.store.measures import Asked, MeasuredChunks
from core.store.nearest import Nearest
from core.store.scoring import Sought
from core.store.unit import Unit
from core.text import analyze
from core.titles import without_extension
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
# Chunks are found by a question's rarest words: by two or more that lead to twenty chunks for each
# candidate, and by further ones up to so many. The others only add to the scores of those found;
# they are in so many chunks that they can hardly change who is among the best.
_FEWEST_TERMS: Final = 2
_FEWEST_POSTINGS: Final = 2_000
_MOST_POSTINGS: Final = 8_000
_SHORT: Final = 10  # chunks; every passage of such a document stands near its opening
_DEEPEST: Final = 25_600  # chunks looked through for enough different documents


@dataclass(frozen=True)
class Scope:
    """Where is searched: bases of one embedding model and language, and which of their chunks."""

    bases: Sequence[SearchedBase]
    depth: int  # candidates from each side
    needs_documents: bool  # whether as many different documents are wanted
    allowed: Allowed | None = None  # all chunks

    @property
    def base_nos(self) -> list[int]:
        return [base.no for base in self.bases]

    async def filtered(self, unit: Unit, condition: Filter | None) -> Scope:
        """Return the scope without the chunks that a filter, or somebody, has excluded."""
        if condition is None and not any(base.has_disabled for base in self.bases):
            return self
        return replace(self, allowed=await unit.hits.allowed([b.id for b in self.bases], condition))


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


async def by_words(unit: Unit, scope: Scope, words: Bm25) -> dict[int, float]:
    """Return the BM25 of the chunks where it is highest, by number."""
    if not words.weights:
        return {}
    scores: dict[int, float] = {}

    async def best(limit: int) -> list[int]:
        found = await unit.postings.best(scope.base_nos, sought(words), limit, scope.allowed)
        scores.update(found)
        return [no for no, _ in found]

    return {no: scores[no] for no in await _deep_enough(unit, scope, best)}


class Measurer:
    """Measures the candidates of one question, whichever side found them; none twice."""

    def __init__(self, scope: Scope, words: Bm25, time: AskedTime, *, weighs: bool) -> None:
        """``weighs`` says whether what documents say beside is asked for."""
        self._scope = scope
        self._words = words
        self._time = time
        self._weighs = weighs and bool(words.weights)
        self._known: set[int] = set()
        self._names: dict[str, str] = {}  # of the documents of all that was measured
        self._shares: dict[str, float] = {}  # of long documents

    async def near(
        self,
        unit: Unit,
        vector: Floats,
        scored: Mapping[int, float] | None = None,
        depth: int | None = None,
    ) -> Candidates:
        """Return exact measures of the chunks nearest to a unit vector, by default as many as the
        scope asks for, and of those that words scored, in the order of their numbers; but for those
        measured before."""
        scope = self._scope if depth is None else replace(self._scope, depth=depth)
        if not scope.needs_documents:
            nearest = Nearest(scope.bases, vector, scope.depth, scope.allowed)
            return await self._measure(unit, self._asked(scored or {}, nearest=nearest))

        async def fetch(limit: int) -> list[int]:
            return await unit.vectors.nearest(scope.bases, vector, limit, scope.allowed)

        nos = await _deep_enough(unit, scope, fetch)
        return await self._measure(unit, self._asked(scored or {}, chunk_nos=nos))

    async def scored(self, unit: Unit, scored: Mapping[int, float]) -> Candidates:
        """Return the measures of chunks that words scored."""
        return await self._measure(unit, self._asked(scored))

    def document_evidence(self, candidates: Candidates) -> Floats:
        """Return how far the question speaks of each candidate's document, by all measured yet."""
        in_time = self._time.matches(self._names)
        return document_evidence(candidates.document_ids, self._shares, in_time)

    def _asked(
        self,
        scored: Mapping[int, float],
        chunk_nos: Sequence[int] = (),
        nearest: Nearest | None = None,
    ) -> Asked:
        return Asked(
            self._scope.bases,
            sought(self._words),
            chunk_nos,
            scored,
            nearest,
            known=self._known,
            long_from=_SHORT if self._weighs else None,
            weighed=self._shares.keys(),
        )

    async def _measure(self, unit: Unit, asked: Asked) -> Candidates:
        found = await unit.measures.measure(asked)
        self._known.update(found.nos)
        self._names.update(zip(found.document_ids, found.document_names, strict=True))
        if self._weighs:
            self._weigh_documents(found)
        return Candidates(found.nos, found.document_ids, found.vectors, found.keyword)

    def _weigh_documents(self, found: MeasuredChunks) -> None:
        """Note how far the question speaks of each long document that was not weighed before."""
        facts = zip(found.document_ids, found.document_names, found.document_lengths, strict=True)
        long = {
            document_id: (name, length)
            for document_id, name, length in facts
            if length > _SHORT and document_id not in self._shares
        }
        language = self._scope.bases[0].language
        for document_id, (name, length) in long.items():
            named = _name_terms(name, language)
            opening = frozenset(found.openings.get(document_id, ()))
            # What is far from the opening has to inherit from it.
            beyond = 1 - _SHORT / length
            share = document_share(self._words.weights, named, opening)
            self._shares[document_id] = beyond * share


@lru_cache(maxsize=4096)
def _name_terms(name: str, language: str) -> frozenset[str]:
    """Return the words of a document's name; the same documents are candidates again and again."""
    return frozenset(analyze(without_extension(name), language))


async def _deep_enough(
    unit: Unit, scope: Scope, fetch: Callable[[int], Awaitable[list[int]]]
) -> list[int]:
    """Fetch the best chunks; and, where documents are wanted, the best of so many documents."""
    limit = scope.depth
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


def sought(words: Bm25) -> Sought:
    """Return a question's words as they are looked for: the rarest lead to chunks."""
    finding: dict[str, float] = {}
    postings = 0
    for term in sorted(words.weights, key=lambda term: words.chunk_counts[term]):
        are_enough = len(finding) >= _FEWEST_TERMS and postings >= _FEWEST_POSTINGS
        postings += words.chunk_counts[term]
        if are_enough and postings > _MOST_POSTINGS:
            break
        finding[term] = words.weights[term]
    lifting = {term: weight for term, weight in words.weights.items() if term not in finding}
    return Sought(finding, lifting, words.saturation)
