"""Asks questions about files and measures whether the right documents are found."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from core.store.unit import Store
from evals.cases import AnswerSet, Question
from evals.metrics import percentile
from evals.scratch import Source, progress_bar
from pipelines.search import Hit, SearchQuery, search
from pipelines.search.query import GroupBy

_MOST_DOCUMENTS: Final = 10
_ENOUGH: Final = 0.75  # share of several gold documents


def sources(files: Sequence[Path]) -> list[Source]:
    """Return the files as documents under their own names."""
    return [
        Source(
            key=path.name,
            name=path.name,
            mime_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            data=path.read_bytes(),
        )
        for path in files
    ]


async def run(store: Store, workspace_id: str, base_id: str, cases: AnswerSet) -> dict[str, Any]:
    """Search for every question; return counts, latencies and one row a question that has gold
    documents."""
    rows: list[dict[str, Any]] = []
    latencies: list[float] = []

    async def ask(question: Question, top_k: int, group_by: GroupBy) -> list[Hit]:
        query = SearchQuery(question.text, top_k=top_k, group_by=group_by)
        began = time.perf_counter()
        answer = await search(store, workspace_id, [base_id], query)
        latencies.append((time.perf_counter() - began) * 1000)
        return answer.results

    with progress_bar() as bar:
        task = bar.add_task("asking", total=len(cases.questions))
        for question in cases.questions:
            if len(question.gold) == 1:
                hits = await ask(question, 1, "chunk")
            else:
                hits = await ask(question, _MOST_DOCUMENTS, "document")
            if question.gold:
                rows.append(_row(question, hits))
            bar.advance(task)
    return _summary(cases, rows, latencies)


def _row(question: Question, hits: Sequence[Hit]) -> dict[str, Any]:
    """A single gold document must come first; of several, enough must be among ten."""
    found = [hit.document_name for hit in hits]
    share = len(question.gold & set(found)) / len(question.gold)
    return {
        "id": question.id,
        "question": question.text,
        "gold": sorted(question.gold),
        "found": found,
        "page": hits[0].page if hits else None,
        "isRight": share >= (1.0 if len(question.gold) == 1 else _ENOUGH),
    }


def _summary(
    cases: AnswerSet, rows: list[dict[str, Any]], latencies: list[float]
) -> dict[str, Any]:
    one = [row for row in rows if len(row["gold"]) == 1]
    several = [row for row in rows if len(row["gold"]) > 1]
    return {
        "dataset": cases.name,
        "documents": len(cases.files),
        "questions": len(cases.questions),
        "oneGoldFirst": {"right": sum(row["isRight"] for row in one), "of": len(one)},
        "severalGoldAmongTen": {
            "right": sum(row["isRight"] for row in several),
            "of": len(several),
        },
        "latencyMs": {
            name: round(percentile(latencies, share), 2)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
        "rows": rows,
    }
