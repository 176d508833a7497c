from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pipelines.search.ranking import (
    Candidates,
    bm25,
    document_evidence,
    document_share,
    feedback,
    fuse,
)


def _reference(query: list[str], chunks: list[list[str]], at: int) -> float:
    """BM25 as written in the papers, over texts in memory."""
    total = len(chunks)
    mean = sum(map(len, chunks)) / total
    score = 0.0
    for term in query:
        holders = sum(term in chunk for chunk in chunks)
        frequency = chunks[at].count(term)
        if frequency:
            idf = math.log(1 + (total - holders + 0.5) / (holders + 0.5))
            norm = 0.9 * (1 - 0.55 + 0.55 * len(chunks[at]) / mean)
            score += idf * frequency / (frequency + norm)
    return score


def test_bm25_is_the_reference_computation() -> None:
    chunks = [["a", "b", "a"], ["b", "c"], ["a", "d", "d", "d", "e"], ["f"]]
    query = ["a", "d", "b", "b", "x"]
    counts = {"a": 1, "d": 1, "b": 2, "x": 1}
    held = {"a": 2, "d": 1, "b": 2}
    words = bm25(counts, held, len(chunks), sum(map(len, chunks)))
    for at, chunk in enumerate(chunks):
        constant, per_word = words.saturation
        found = sum(
            words.weights[t] * chunk.count(t) / (chunk.count(t) + constant + per_word * len(chunk))
            for t in held
        )
        assert found == pytest.approx(_reference(query, chunks, at))


NO_DOCUMENT = np.zeros(3, dtype=np.float32)


def _candidates(keyword: list[float]) -> Candidates:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    return Candidates(
        nos=[1, 2, 3],
        document_ids=["a", "b", "c"],
        vectors=vectors,
        keyword=np.array(keyword, dtype=np.float32),
    )


def test_fusion_is_the_convex_sum() -> None:
    asked = np.array([1, 0], dtype=np.float32)
    fused = fuse(_candidates([0, 4, 2]), asked, NO_DOCUMENT)
    assert fused.tolist() == pytest.approx([0.6, 0.4 + 0.6 * 0.6, 0.2])


def test_cosines_count_by_their_spread_among_the_candidates() -> None:
    near = replace(
        _candidates([0, 0, 0]), vectors=np.array([[0.9, 0], [0.8, 0], [0.7, 0]], np.float32)
    )
    asked = np.array([1, 0], dtype=np.float32)
    assert fuse(near, asked, NO_DOCUMENT).tolist() == pytest.approx([0.6, 0.3, 0])
    same = replace(near, vectors=np.array([[1, 0]] * 3, np.float32))
    assert fuse(same, asked, NO_DOCUMENT).tolist() == pytest.approx([0.6] * 3)


def test_without_any_word_meaning_decides() -> None:
    asked = np.array([0, 1], dtype=np.float32)
    fused = fuse(_candidates([0, 0, 0]), asked, NO_DOCUMENT)
    assert np.argsort(-fused).tolist() == [2, 1, 0]


def test_feedback_moves_towards_the_two_best() -> None:
    asked = np.array([1, 0], dtype=np.float32)
    candidates = _candidates([0, 0, 0])
    moved = feedback(candidates, asked, np.array([0.1, 0.9, 0.8], dtype=np.float32))
    expected = np.array([1 + 0.8 * 0.3, 0.8 * 0.9])
    assert moved.tolist() == pytest.approx((expected / np.linalg.norm(expected)).tolist())


def test_a_document_is_spoken_of_by_name_and_opening() -> None:
    weights = {"q3": 1.0, "2023": 1.0, "margin": 2.0}
    named = document_share(weights, {"2023", "q3", "aapl", "x"}, {"2023", "q3"})
    assert named == pytest.approx(math.sqrt(0.5 * 0.5))
    assert document_share(weights, {"2023"}, {"margin"}) == pytest.approx(0.5 + 0.5)
    assert document_share(weights, {"other"}, set()) == 0
    assert document_share({}, {"other"}, set()) == 0


def test_document_evidence_of_document_in_time_is_raised() -> None:
    found = document_evidence(["a", "b", "c"], {"a": 0.8, "b": 0.8}, {"b", "c"})
    assert found.tolist() == pytest.approx([0.8, 1.3, 0.5])
