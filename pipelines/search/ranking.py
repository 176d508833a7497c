"""The arithmetic of ranking, on the candidates of one question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_SAME: Final = 1e-6  # cosines nearer to each other are the same

# BM25 in Lucene's form (Robertson and Zaragoza 2009, without the constant factor k1 + 1).
_K1: Final = 0.9
_B: Final = 0.55
# Convex fusion, which beats reciprocal ranks when both scores are exact (Bruch et al. 2023).
_KEYWORD_SHARE: Final = 0.4
# Pseudo relevance feedback of the vector (Rocchio 1971).
_FEEDBACK_WEIGHT: Final = 0.8
_FEEDBACK_CHUNKS: Final = 2
# What a chunk inherits from its document; docs/decisions tells how it was measured.
_DOCUMENT_WEIGHT: Final = 0.6
_IN_TIME: Final = 0.5  # for a document of the time asked for


@dataclass(frozen=True)
class Bm25:
    """BM25 over a collection, for the terms of one question.

    ``weights`` maps each term to its weight: idf = ln(1 + (N - n + 0.5) / (n + 0.5)), times how
    often the question says it; ``chunk_counts`` is n, the chunks that hold it.
    """

    weights: Mapping[str, float]
    chunk_counts: Mapping[str, int]
    saturation: tuple[float, float]  # k1 * (1 - b), and k1 * b / mean length for each word


def bm25(
    counts: Mapping[str, int], chunk_counts: Mapping[str, int], chunk_count: int, word_count: int
) -> Bm25:
    """Return the scorer of a question.

    ``counts`` says how often the question holds each term, ``chunk_counts`` how many of the
    ``chunk_count`` chunks (of ``word_count`` words together) do.
    """
    weights = {
        term: counts[term] * math.log(1 + (max(chunk_count, n) - n + 0.5) / (n + 0.5))
        for term, n in chunk_counts.items()
    }
    mean = max(word_count, 1) / max(chunk_count, 1)
    return Bm25(weights, chunk_counts, (_K1 * (1 - _B), _K1 * _B / mean))


NO_WORDS: Final = Bm25({}, {}, (1.0, 0.0))


@dataclass(frozen=True)
class Candidates:
    """Everything that is known about the chunks which may be answers; rows belong together."""

    nos: Sequence[int]
    document_ids: Sequence[str]
    vectors: Floats  # (n, dimensions), unit length
    keyword: Floats  # (n,), BM25

    def joined(self, others: Candidates) -> Candidates:
        """Return these and, behind them, others."""
        if not (self.nos and others.nos):
            return self if self.nos else others
        return Candidates(
            [*self.nos, *others.nos],
            [*self.document_ids, *others.document_ids],
            np.concatenate([self.vectors, others.vectors]),
            np.concatenate([self.keyword, others.keyword]),
        )

    def cosines(self, vector: Floats) -> Floats:
        """Return the cosine of every candidate with a unit vector."""
        if not self.nos:
            return np.empty(0, dtype=np.float32)
        return np.asarray(self.vectors @ vector, dtype=np.float32)


def fuse(candidates: Candidates, vector: Floats, document: Floats) -> Floats:
    """Return the hybrid scores, about 0 to 1.9: words, meaning, and the document around them.

    BM25 is taken from 0 to its best, the cosine from the lowest to the highest of the candidates:
    cosines of one question lie close together, and differently for each. ``document`` says how far
    the question speaks of each candidate's document.
    """
    words = candidates.keyword / max(float(candidates.keyword.max(initial=0.0)), 1e-9)
    own = _KEYWORD_SHARE * words + (1 - _KEYWORD_SHARE) * _spread(candidates.cosines(vector))
    return np.asarray(own + _DOCUMENT_WEIGHT * document, dtype=np.float32)


def _spread(values: Floats) -> Floats:
    """Return values stretched to lie from 0 to 1; 1 where all are the same."""
    lowest, highest = values.min(initial=np.inf), values.max(initial=-np.inf)
    if highest - lowest < _SAME:
        return np.ones_like(values)
    return np.asarray((values - lowest) / (highest - lowest), np.float32)


def document_evidence(
    document_ids: Sequence[str], shares: Mapping[str, float], in_time: Set[str]
) -> Floats:
    """Return how far the question speaks of each candidate's document: see ``document_share``; more
    for documents of the time that it asks for."""
    return np.array(
        [shares.get(id_, 0.0) + _IN_TIME * (id_ in in_time) for id_ in document_ids],
        np.float32,
    )


def document_share(
    weights: Mapping[str, float], name_terms: Set[str], opening_terms: Set[str]
) -> float:
    """Return how far a question speaks of a document, from 0; 1 is all it says.

    ``weights`` holds the question's terms. A passage deep in a report seldom says whose report of
    which year it is; the name and the first passage do. The name counts by the geometric mean of
    the share of the question that it covers and the share of it that the question covers; the
    opening, where other words stand by chance, by the first alone.
    """
    if name_terms.isdisjoint(weights) and opening_terms.isdisjoint(weights):
        return 0.0
    named = [term for term in weights if term in name_terms]
    opened = [term for term in weights if term in opening_terms and term not in name_terms]
    whole = sum(weights.values())
    if not whole:
        return 0.0
    covered = sum(weights[term] for term in named) / whole
    name = math.sqrt(covered * len(named) / len(name_terms)) if named else 0.0
    return name + sum(weights[term] for term in opened) / whole


def feedback(candidates: Candidates, vector: Floats, scores: Floats) -> Floats:
    """Return the question's vector moved towards its best answers so far."""
    best = np.argsort(-scores, kind="stable")[:_FEEDBACK_CHUNKS]
    moved = vector + _FEEDBACK_WEIGHT * candidates.vectors[best].mean(axis=0)
    return np.asarray(moved / np.linalg.norm(moved), dtype=np.float32)
