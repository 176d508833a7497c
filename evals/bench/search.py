"""Search over HTTP in one base of many passages, and in one of many bases.

Passages are written by the code that writes documents, since embedding so many takes an hour. Their
words follow Zipf's law; their vectors lie around those of made-up sentences, embedded by the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import httpx
import numpy as np
from numpy.typing import NDArray

from core.ids import new_id
from core.models.embed import get_embedder
from core.services import Services
from core.store import vector_indexes
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.text import analyze
from evals.bench import knowledge
from evals.bench.figures import Figure, percentile
from evals.bench.load import drive
from evals.bench.system import System
from evals.bench.texts import documents, questions
from evals.scratch import progress_bar

_TOGETHER: Final = 500  # passages of a document
_WORDS: Final = 80  # of a passage beside its sentences
_VOCABULARY: Final = 20_000
_CENTRES: Final = 400
_NOISE: Final = 0.6  # length of what is added to a centre of length 1
_QUESTIONS: Final = 200
_WARM: Final = 20
_TOP: Final = 10
_CROWD: Final = 8
_ONE_IN: Final = 100  # documents that the filter lets through
_EACH: Final = 50  # passages of one of many bases

Floats = NDArray[np.float32]


class Corpus:
    """Random passages, and which are nearest to each of some questions."""

    def __init__(self, centres: Floats, sentences: Sequence[str], asked: Floats) -> None:
        self._random = np.random.default_rng(7)
        self._centres, self._sentences, self._asked = centres, sentences, asked
        frequencies = 1 / np.arange(10, _VOCABULARY + 10)
        self._shares = frequencies / frequencies.sum()
        self._scores = np.full((len(asked), 0), 0.0, np.float32)
        self._numbers = np.full((len(asked), 0), 0, np.int64)

    def make(self, start: int, count: int) -> list[NewChunk]:
        """Return passages numbered from ``start``, and take note of the nearest among them."""
        origins = self._random.integers(len(self._centres), size=count)
        noise = self._random.standard_normal((count, self._centres.shape[1]))
        noise *= _NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        moved = self._centres[origins] + noise
        vectors = np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)
        self._note(np.arange(start, start + count), vectors)
        return [self._passage(start + i, int(origins[i]), vectors[i]) for i in range(count)]

    def nearest(self, question: int) -> set[int]:
        """Return the numbers of the passages nearest to a question, by exact cosines."""
        return {int(number) for number in self._numbers[question]}

    def _note(self, numbers: NDArray[np.int64], vectors: Floats) -> None:
        scores = np.hstack([self._scores, self._asked @ vectors.T])
        every = np.hstack([self._numbers, np.tile(numbers, (len(self._asked), 1))])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :_TOP]
        self._scores = np.take_along_axis(scores, best, axis=1)
        self._numbers = np.take_along_axis(every, best, axis=1)

    def _passage(self, number: int, origin: int, vector: Floats) -> NewChunk:
        words = self._random.choice(_VOCABULARY, _WORDS, p=self._shares)
        said = " ".join(f"w{word}" for word in words)
        text = f"Passage {number}. {self._sentences[origin]} {said}"
        return NewChunk(
            content=text, token_count=2 * _WORDS, start_offset=0, end_offset=len(text),
            embedding=vector, words=Counter(analyze(text)), meta={},
        )  # fmt: skip


async def measure(system: System, services: Services, passages: int, bases: int) -> list[Figure]:
    """Fill a base and many small ones; return the figures of searching them."""
    client = system.client
    asked = questions(_QUESTIONS, seed=3)
    corpus = await _corpus(asked)
    base_id = await knowledge.new_base(client)
    base = await _stored(client, services, base_id)
    with progress_bar() as bar:
        task = bar.add_task("writing passages", total=passages)
        for start in range(0, passages, _TOGETHER):
            chunks = corpus.make(start, min(_TOGETHER, passages - start))
            await _write(services, base, chunks, start // _TOGETHER)
            bar.advance(task, len(chunks))
    await vector_indexes.tend(services.store)
    figures = await _one_base(client, base_id, corpus, asked, f"{passages:,} passages")
    return figures + await _many_bases(client, services, corpus, bases, asked)


async def _corpus(asked: Sequence[str]) -> Corpus:
    embedder = get_embedder()
    sentences = documents(_CENTRES, 120, seed=9)
    centres = await embedder.embed_documents(sentences)
    vectors = [await embedder.embed_query(question) for question in asked]
    return Corpus(np.asarray(centres, np.float32), sentences, np.asarray(vectors, np.float32))


async def _stored(client: httpx.AsyncClient, services: Services, base_id: str) -> KnowledgeBase:
    """Return the row of a base that was made over HTTP."""
    workspace_id = (await client.get(f"/api/knowledge/{base_id}")).json()["workspaceId"]
    async with services.store.unit(workspace_id) as unit:
        (base,) = await unit.bases.get_all([base_id])
    return base


async def _write(
    services: Services, base: KnowledgeBase, chunks: list[NewChunk], number: int
) -> None:
    document = Document(
        id=new_id("doc"), base_id=base.id, name=f"part {number}", mime_type="text/plain", size=1,
        checksum=new_id("sum"), blob_key="none", meta={"shelf": number % _ONE_IN},
        status="completed",
    )  # fmt: skip
    async with services.store.unit(base.workspace_id) as unit:
        await unit.documents.add_unless_known(document)
        await unit.chunks.write_chunks(base, document.id, chunks)


async def _one_base(
    client: httpx.AsyncClient, base_id: str, corpus: Corpus, asked: list[str], size: str
) -> list[Figure]:
    figures = []
    for mode, bars in (("hybrid", (35.0, 60.0)), ("vector", (None, None))):
        call = partial(knowledge.ask, client, base_id, mode)
        await drive(call, questions(_WARM, seed=2), 1)
        alone, _ = await drive(call, asked, 1)
        crowd, rate = await drive(call, questions(3 * _QUESTIONS, seed=4), _CROWD)
        p50, p95 = percentile(alone, 0.5), percentile(alone, 0.95)
        figures += [
            Figure(f"{mode}, alone, p50", p50, "ms", size, "lower", bars[0]),
            Figure(f"{mode}, alone, p95", p95, "ms", size, "lower"),
            Figure(f"{mode}, {_CROWD} at once", rate, "searches/s", size, bar=bars[1]),
            Figure(f"{mode}, {_CROWD} at once, p95", percentile(crowd, 0.95), "ms", size, "lower"),
        ]
    recalls = [
        len(corpus.nearest(i) & _numbers(await _vector(client, base_id, question))) / _TOP
        for i, question in enumerate(asked)
    ]
    told = "of the questions timed alone, against exact cosines"
    figures.append(Figure("vector, recall@10", float(np.mean(recalls)), "", told, bar=0.95))
    chosen = {"filter": {"shelf": 0}}
    counts: list[int] = []

    async def narrow(question: str) -> None:
        counts.append(len(await knowledge.find(client, base_id, question, **chosen)))

    times, _ = await drive(narrow, asked, 1)
    told = f"one document in {_ONE_IN}"
    return [
        *figures,
        Figure("hybrid, filtered, p95", percentile(times, 0.95), "ms", told, "lower"),
        Figure("hybrid, filtered, fewest results", float(min(counts)), "of 10", told, bar=_TOP),
    ]


async def _vector(client: httpx.AsyncClient, base_id: str, question: str) -> Sequence[Any]:
    return await knowledge.find(client, base_id, question, mode="vector", topK=_TOP)


def _numbers(results: Sequence[Any]) -> set[int]:
    return {int(each["content"].split(".", 1)[0].removeprefix("Passage ")) for each in results}


async def _many_bases(
    client: httpx.AsyncClient,
    services: Services,
    corpus: Corpus,
    bases: int,
    asked: Sequence[str],
) -> list[Figure]:
    ids = []
    with progress_bar() as bar:
        task = bar.add_task("writing bases", total=bases)
        for number in range(bases):
            ids.append(await knowledge.new_base(client))
            base = await _stored(client, services, ids[-1])
            await _write(services, base, corpus.make(number * _EACH, _EACH), number)
            bar.advance(task)
    await vector_indexes.tend(services.store)

    async def search(number: int) -> None:
        base_id = ids[number % bases]
        await knowledge.ask(client, base_id, "hybrid", asked[number % len(asked)])

    async def page(_: int) -> None:
        (await client.get("/api/knowledge", params={"limit": 100})).raise_for_status()

    told = f"{bases} bases of {_EACH} passages"
    await drive(search, range(_WARM), 1)
    times, _ = await drive(search, range(max(bases, _QUESTIONS)), 1)
    listed, _ = await drive(page, range(_WARM), 1)
    return [
        Figure("hybrid, one base of many, p50", percentile(times, 0.5), "ms", told, "lower"),
        Figure("hybrid, one base of many, p95", percentile(times, 0.95), "ms", told, "lower"),
        Figure("list of 100 bases, p95", percentile(listed, 0.95), "ms", told, "lower"),
    ]
