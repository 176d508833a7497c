from __future__ import annotations

import math

import pytest

from evals.metrics import ndcg, percentile, recall, reciprocal_rank, reciprocal_rank_fusion

GRADES = {"a": 2, "b": 1, "c": 0}


def test_ndcg_uses_the_grade_and_the_ideal_order() -> None:
    assert ndcg(["a", "b"], GRADES) == 1
    ideal = 2 + 1 / math.log2(3)
    assert ndcg(["x", "a", "c", "b"], GRADES) == pytest.approx(
        (2 / math.log2(3) + 1 / math.log2(5)) / ideal
    )
    assert ndcg([], GRADES) == 0
    assert ndcg(["x"] * 10 + ["a"], GRADES) == 0
    assert ndcg(["a"], {"a": 0}) == 0


def test_recall_counts_relevant_documents() -> None:
    assert recall(["a", "c"], GRADES) == 0.5
    assert recall(["x"] * 100 + ["a", "b"], GRADES) == 0


def test_reciprocal_rank_is_cut() -> None:
    assert reciprocal_rank(["x", "b"], GRADES) == 0.5
    assert reciprocal_rank(["x"] * 10 + ["a"], GRADES) == 0


def test_percentiles_are_values() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile([3, 1, 2, 4], 0.99) == 4
    assert percentile([7], 0.5) == 7


def test_reciprocal_ranks_are_summed() -> None:
    assert reciprocal_rank_fusion([["a", "b", "c"], ["c", "b"]]) == ["c", "b", "a"]
    assert reciprocal_rank_fusion([[], ["x"]]) == ["x"]
