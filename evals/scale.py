"""A large base of synthetic passages: filtered search against exact search, and speed.

Vectors are clusters on the unit sphere, words follow Zipf's law; both are written by the code that
writes documents. Only the questions are embedded by a model.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.garbage import look_at_new_alone
from core.ids import new_id
from core.store import packing, vector_indexes
from core.store.documents import Document
from core.store.filters import parse_filter
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.store.unit import Store
from core.text import analyze
from evals.metrics import percentile
from evals.scratch import progress_bar
from pipelines.search import LEAST_NEAREST, SearchQuery, search

# Filters, by what they ask of: each lets one passage in so many through. Documents have metadata,
# and every tenth passage some of its own.
SHARES: Final = (("documents", 1), ("documents", 10), ("documents", 100))
OWN_SHARES: Final = (("passages", 10), ("passages", 100), ("passages", 1000))
_TOGETHER: Final = 500  # passages of a document
_WORDS: Final = 100  # of a passage
_VOCABULARY: Final = 20_000
_CLUSTERS: Final = 300
_QUESTIONS: Final = 40
_TOP: Final = 10
_TOGETHER_ASKED: Final = 8

Floats = NDArray[np.float32]


class World:
    """Random passages, the same each time."""

    def __init__(self, dimensions: int) -> None:
        self._random = np.random.default_rng(7)
        self._centres = self._random.standard_normal((_CLUSTERS, dimensions))
        frequencies = 1 / np.arange(10, _VOCABULARY + 10)
        self._shares = frequencies / frequencies.sum()

    def vectors(self, count: int) -> Floats:
        """Return unit vectors, each near a centre."""
        centres = self._centres[self._random.integers(_CLUSTERS, size=count)]
        found = centres + 0.7 * self._random.standard_normal(centres.shape)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)

    def text(self, words: int) -> str:
        """Return a text of made-up words."""
        return " ".join(f"w{n}" for n in self._random.choice(_VOCABULARY, words, p=self._shares))

    def questions(self, count: int) -> list[str]:
        """Return questions of such words."""
        return [f"what is said of {self.text(6)}?" for _ in range(count)]


async def fill(store: Store, base: KnowledgeBase, count: int) -> None:
    """Write ``count`` passages, and what upkeep makes of a large base."""
    world = World(base.embedding_dimensions)
    with progress_bar() as bar:
        task = bar.add_task("writing passages", total=count)
        for start in range(0, count, _TOGETHER):
            chunks = passages(world, start, min(_TOGETHER, count - start))
            await write(store, base, f"part {start}", chunks, _meta(SHARES, start // _TOGETHER))
            bar.advance(task, len(chunks))
    await vector_indexes.tend(store)
    await packing.tend(store)


async def write(
    store: Store,
    base: KnowledgeBase,
    name: str,
    chunks: list[NewChunk],
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Write a document of these passages."""
    document = Document(
        id=new_id("doc"), base_id=base.id, name=name, mime_type="text/plain", size=1,
        checksum=new_id("sum"), blob_key="none", meta=dict(meta or {}), status="completed",
    )  # fmt: skip
    async with store.unit(base.workspace_id) as unit:
        await unit.documents.add_unless_known(document)
        await unit.chunks.write_chunks(base, document.id, chunks)


def passages(world: World, start: int, count: int) -> list[NewChunk]:
    """Return passages, numbered from ``start`` for filters."""
    found = []
    for number, vector in enumerate(world.vectors(count), start):
        text = world.text(_WORDS)
        found.append(
            NewChunk(
                content=text, token_count=_WORDS, start_offset=0, end_offset=len(text),
                embedding=vector, words=Counter(analyze(text)),
                meta={} if number % 10 else _meta(OWN_SHARES, number),
            )
        )  # fmt: skip
    return found


async def run(store: Store, workspace_id: str, base_id: str) -> dict[str, Any]:
    """Return the figures of a filled base."""
    async with store.unit(workspace_id) as unit:
        (base,) = await unit.hits.bases([base_id])
    world = World(base.embedding_dimensions)
    vectors = world.vectors(_QUESTIONS)
    questions = world.questions(_QUESTIONS)
    rows = []
    for of, share in (*SHARES, *OWN_SHARES):
        chosen = {_key(of, share): 0}
        recalls = [await _recall(store, workspace_id, base_id, v, chosen) for v in vectors]
        counts, took = await asked(store, workspace_id, [base_id], questions, chosen)
        rows.append(
            {"of": of, "share": 1 / share, "recall@10": fmean(recalls), "fewest": min(counts)}
            | {"p50": percentile(took, 0.5), "p95": percentile(took, 0.95)}
        )
    fresh = [f"{question} {number}" for number in range(10) for question in questions]
    alone = [f"{question} alone {number}" for number in range(4) for question in questions]
    look_at_new_alone()  # as the API does when it is warm
    _, took = await asked(store, workspace_id, [base_id], alone)
    return (
        {"chunks": base.chunk_count, "hasIndex": base.has_vector_index, "filters": rows}
        | _alone(took)
        | (await _crowd(store, workspace_id, base_id, fresh))
    )


def _meta(shares: Sequence[tuple[str, int]], number: int) -> dict[str, int]:
    return {_key(of, share): number % share for of, share in shares}


def _key(of: str, share: int) -> str:
    return f"{of}, one in {share}"


def _alone(took: Sequence[float]) -> dict[str, float]:
    return {"p50Alone": percentile(took, 0.5), "p95Alone": percentile(took, 0.95)}


async def _recall(
    store: Store, workspace_id: str, base_id: str, vector: Floats, chosen: dict[str, Any]
) -> float:
    """Return the share of the ten nearest that are among the ten found."""
    async with store.unit(workspace_id) as unit:
        bases = await unit.hits.bases([base_id])
        allowed = await unit.hits.allowed([base_id], parse_filter(chosen))
        found = await unit.vectors.nearest(bases, vector, LEAST_NEAREST, allowed)
        exact = await unit.vectors.nearest(bases, vector, _TOP, allowed, is_exact=True)
    return len(set(found[:_TOP]) & set(exact)) / len(exact)


async def asked(
    store: Store,
    workspace_id: str,
    base_ids: Sequence[str],
    questions: Sequence[str],
    chosen: dict[str, Any] | None = None,
) -> tuple[list[int], list[float]]:
    """Return how many results each question had, and the milliseconds it took alone."""
    counts, took = [], []
    for question in questions:
        began = time.perf_counter()
        query = SearchQuery(question, top_k=_TOP, filter=chosen)
        counts.append(len((await search(store, workspace_id, base_ids, query)).results))
        took.append((time.perf_counter() - began) * 1000)
    return counts, took


async def _crowd(
    store: Store, workspace_id: str, base_id: str, questions: Sequence[str]
) -> dict[str, float]:
    """Return rate, latency and this process's processor time of searches, eight at once."""
    turns = iter(questions)
    took: list[float] = []

    async def ask() -> None:
        for question in turns:
            _, (milliseconds,) = await asked(store, workspace_id, [base_id], [question])
            took.append(milliseconds)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask() for _ in range(_TOGETHER_ASKED)))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    return {
        "searchesPerSecond": len(took) / seconds,
        "p50At8": percentile(took, 0.5),
        "p95At8": percentile(took, 0.95),
        "processorMsPerSearch": used * 1000 / len(took),
    }
