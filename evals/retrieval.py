"""Runs the questions of a retrieval set in each mode and measures the rankings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from core.store.unit import Store
from evals.cases import RetrievalSet, Text
from evals.metrics import ndcg, percentile, recall, reciprocal_rank
from evals.scratch import Source, progress_bar
from pipelines.search import SearchQuery, search
from pipelines.search.query import Mode

MODES: Final[tuple[Mode, ...]] = ("hybrid", "vector", "keyword")
_DEPTH: Final = 100  # different documents asked for
_LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class ModeResult:
    """Means over all judged queries; latencies of single searches in milliseconds."""

    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float
    latencies: list[float]

    def to_json(self) -> dict[str, Any]:
        return {
            "ndcg@10": self.ndcg_at_10,
            "recall@100": self.recall_at_100,
            "mrr@10": self.mrr_at_10,
            "latencyMs": {
                name: round(percentile(self.latencies, share), 2)
                for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
            },
        }


def sources(corpus: Sequence[Text]) -> list[Source]:
    """Return the corpus as text files, each named by its title (by its id where it has none)."""
    return [
        Source(
            key=text.id,
            name=f"{' '.join(text.title.split())[:_LONGEST_NAME] or text.id}.txt",
            mime_type="text/plain",
            data=text.text.encode(),
        )
        for text in corpus
    ]


async def run(
    store: Store, workspace_id: str, base_id: str, cases: RetrievalSet, modes: Sequence[Mode]
) -> dict[Mode, ModeResult]:
    """Ask every query in every mode, one after the other."""
    results: dict[Mode, ModeResult] = {}
    with progress_bar() as bar:
        for mode in modes:
            task = bar.add_task(f"{mode} search", total=len(cases.queries))
            rankings: list[tuple[list[str], dict[str, int]]] = []
            latencies: list[float] = []
            for query, text in cases.queries.items():
                ask = SearchQuery(text, top_k=_DEPTH, mode=mode, group_by="document")
                began = time.perf_counter()
                answer = await search(store, workspace_id, [base_id], ask)
                latencies.append((time.perf_counter() - began) * 1000)
                ranking = [hit.metadata["evalKey"] for hit in answer.results]
                rankings.append((ranking, cases.relevant[query]))
                bar.advance(task)
            results[mode] = _measured(rankings, latencies)
    return results


def to_json(cases: RetrievalSet, results: dict[Mode, ModeResult]) -> dict[str, Any]:
    """Return the report as it is written with ``--json``."""
    return {
        "dataset": cases.name,
        "split": cases.split,
        "queries": len(cases.queries),
        "modes": {mode: result.to_json() for mode, result in results.items()},
    }


def _measured(
    rankings: Sequence[tuple[list[str], dict[str, int]]], latencies: list[float]
) -> ModeResult:
    return ModeResult(
        ndcg_at_10=fmean(ndcg(ranking, grades) for ranking, grades in rankings),
        recall_at_100=fmean(recall(ranking, grades) for ranking, grades in rankings),
        mrr_at_10=fmean(reciprocal_rank(ranking, grades) for ranking, grades in rankings),
        latencies=latencies,
    )
