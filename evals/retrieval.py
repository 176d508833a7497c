"""Runs the questions of a retrieval set in each mode and measures the rankings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from core.models.embed import get_embedder
from core.store.unit import Store
from evals.cases import RetrievalSet, Text
from evals.metrics import ndcg, percentile, recall, reciprocal_rank, reciprocal_rank_fusion
from evals.scratch import Source, progress_bar
from pipelines.search import SearchQuery, search
from pipelines.search.query import Mode

MODES: Final[tuple[Mode, ...]] = ("hybrid", "vector", "keyword")
_DEPTH: Final = 100  # different documents asked for
_LONGEST_NAME: Final = 200


Rankings = dict[str, list[str]]  # of each query, documents' ids, best first


@dataclass(frozen=True)
class ModeResult:
    """The rankings of a mode; latencies of single searches in milliseconds, none for a fusion."""

    rankings: Rankings
    latencies: list[float]

    def ndcg(self, cases: RetrievalSet) -> dict[str, float]:
        """Return NDCG@10 query by query."""
        return {q: ndcg(self.rankings[q], grades) for q, grades in cases.relevant.items()}

    def to_json(self, cases: RetrievalSet) -> dict[str, Any]:
        """Return means over all judged queries."""
        pairs = [(self.rankings[query], grades) for query, grades in cases.relevant.items()]
        found: dict[str, Any] = {
            "ndcg@10": fmean(ndcg(*pair) for pair in pairs),
            "recall@10": fmean(recall(*pair, 10) for pair in pairs),
            "recall@100": fmean(recall(*pair) for pair in pairs),
            "mrr@10": fmean(reciprocal_rank(*pair) for pair in pairs),
        }
        if self.latencies:
            found["latencyMs"] = {
                name: round(percentile(self.latencies, share), 2)
                for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
            }
        return found


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
    await get_embedder().load()  # as the service has done when it is ready
    with progress_bar() as bar:
        for mode in modes:
            task = bar.add_task(f"{mode} search", total=len(cases.queries))
            result = results[mode] = ModeResult({}, [])
            for query, text in cases.queries.items():
                ask = SearchQuery(text, top_k=_DEPTH, mode=mode, group_by="document")
                began = time.perf_counter()
                answer = await search(store, workspace_id, [base_id], ask)
                result.latencies.append((time.perf_counter() - began) * 1000)
                result.rankings[query] = [hit.metadata["evalKey"] for hit in answer.results]
                bar.advance(task)
    return results


def to_json(cases: RetrievalSet, results: Mapping[Mode, ModeResult]) -> dict[str, Any]:
    """Return the report as it is written with ``--json``; ``rrf`` is the reciprocal rank fusion of
    the keyword and the vector ranking."""
    shown: dict[str, ModeResult] = {str(mode): result for mode, result in results.items()}
    if "keyword" in results and "vector" in results:
        sides = [results["keyword"].rankings, results["vector"].rankings]
        fused = {q: reciprocal_rank_fusion([side[q] for side in sides]) for q in cases.queries}
        shown["rrf"] = ModeResult(fused, [])
    return {
        "dataset": cases.name,
        "split": cases.split,
        "half": cases.half,
        "queryLanguage": cases.query_language,
        "queries": len(cases.queries),
        "modes": {mode: result.to_json(cases) for mode, result in shown.items()},
        "byQuery": {mode: result.ndcg(cases) for mode, result in shown.items()},
    }
