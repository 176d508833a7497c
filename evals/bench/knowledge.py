"""Ingestion against the raw embedding rate; search alone, crowded and beside ingestion."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from time import perf_counter
from typing import Final

import httpx

from core.models.embed import get_embedder
from core.models.yardstick import encoding_seconds
from evals.bench.figures import DENSE_TIMES, HYBRID_TIMES, INGESTION_TIMES, Figure, percentile
from evals.bench.load import drive
from evals.bench.system import System
from evals.bench.texts import documents, questions
from evals.bench.wire import post_all

# The last table of the design's facts: Open WebUI 0.12.4 on such a machine.
_TODAY_DOCUMENTS_PER_SECOND: Final = 2.3
_TODAY_DENSE_PER_SECOND: Final = 28.0
_TODAY_HYBRID_PER_SECOND: Final = 1.4
_GLANCE_SECONDS: Final = 0.25  # looking on costs the service time, too
SIZE: Final = 1500  # characters of a document


async def measure(system: System, count: int) -> tuple[str, list[Figure]]:
    """Fill a base with ``count`` documents and search it; returns its id and the figures."""
    client = system.client
    await warm(client)
    await system.rest()
    base_id = await new_base(client)
    figures = await _ingestion(client, base_id, count)
    idle = await _search(client, base_id, figures)
    figures.append(await _search_while_ingesting(client, base_id, idle, count))
    return base_id, figures


async def new_base(client: httpx.AsyncClient) -> str:
    """Return the id of an empty base."""
    made = await client.post("/api/knowledge", json={"name": "Bench", "language": "en"})
    made.raise_for_status()
    return str(made.json()["id"])


async def warm(client: httpx.AsyncClient) -> None:
    """Have the worker load its model and its parser before anything is measured."""
    base_id = await new_base(client)
    await add(client, base_id, documents(10, SIZE, seed=8))
    await finished(client, base_id)
    (await client.delete(f"/api/knowledge/{base_id}")).raise_for_status()


async def _ingestion(client: httpx.AsyncClient, base_id: str, count: int) -> list[Figure]:
    started = perf_counter()
    await add(client, base_id, documents(count, SIZE, seed=1))
    await finished(client, base_id)
    rate = count / (perf_counter() - started)
    texts = await _passages(client, base_id)
    library = count / await asyncio.to_thread(encoding_seconds, texts)
    own = count / await _embedding_seconds(texts)
    name, encode = "sentence-transformers", "its encode by ONNX, same texts"
    return [
        Figure("ingestion", rate, "documents/s", f"documents of {SIZE} characters"),
        Figure(f"ingestion / {name}", rate / library, "×", encode, bar=0.9),
        Figure("ingestion / embedding", rate / own, "×", "our own embedder, same texts", bar=0.8),
        Figure(
            "ingestion / today",
            rate / _TODAY_DOCUMENTS_PER_SECOND,
            "×",
            "Open WebUI 2.3/s",
            bar=INGESTION_TIMES,
        ),
    ]


async def add(client: httpx.AsyncClient, base_id: str, texts: list[str]) -> None:
    """Add documents by bare sockets: a costly client would have a part of the processors."""
    url = str(client.base_url.join(f"/api/knowledge/{base_id}/documents"))
    named = [{"text": text, "name": f"memo-{at}.txt"} for at, text in enumerate(texts)]
    bodies = [json.dumps(each).encode() for each in named]
    await post_all(url, {"x-api-key": client.headers["x-api-key"]}, bodies, concurrency=8)


async def _has(client: httpx.AsyncClient, base_id: str, status: str) -> bool:
    """Return whether the base holds a document of a status."""
    path = f"/api/knowledge/{base_id}/documents"
    listed = await client.get(path, params={"limit": 1, "status": status})
    listed.raise_for_status()
    return bool(listed.json()["data"])


async def finished(client: httpx.AsyncClient, base_id: str) -> None:
    """Wait until every document of a base has been read; raises ``RuntimeError`` if one failed."""
    waiting = ["pending", "processing"]  # a document goes from one to the other
    while waiting:
        if await _has(client, base_id, waiting[0]):
            await asyncio.sleep(_GLANCE_SECONDS)
        else:
            del waiting[0]
    if await _has(client, base_id, "failed"):
        raise RuntimeError("a document failed: the rate would mean nothing")


async def _passages(client: httpx.AsyncClient, base_id: str) -> list[str]:
    """Return the texts of the chunks that the service made."""
    texts: list[str] = []
    cursor: str | None = None
    while True:
        page: dict[str, str | int] = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        listing = (await client.get(f"/api/knowledge/{base_id}/documents", params=page)).json()
        for document in listing["data"]:
            path = f"/api/knowledge/{base_id}/documents/{document['id']}/chunks"
            texts += [chunk["content"] for chunk in (await client.get(path)).json()["data"]]
        cursor = listing["nextCursor"]
        if cursor is None:
            return texts


async def _embedding_seconds(texts: list[str]) -> float:
    """Return how long the service's embedder takes for texts, alone on the machine."""
    embedder = get_embedder(bulk=True)
    await embedder.load()
    started = perf_counter()
    await embedder.embed_documents(texts)
    return perf_counter() - started


async def ask(client: httpx.AsyncClient, base_id: str, mode: str, question: str) -> None:
    """Search once; raises ``RuntimeError`` where nothing is found."""
    path = f"/api/knowledge/{base_id}/search"
    found = await client.get(path, params={"query": question, "mode": mode})
    found.raise_for_status()
    if not found.json()["results"]:
        raise RuntimeError("a search found nothing: the measurement would mean nothing")


async def _search(client: httpx.AsyncClient, base_id: str, figures: list[Figure]) -> float:
    """Add the figures of an idle service; returns its p95 of hybrid search in milliseconds."""
    asked = partial(ask, client, base_id)
    await drive(partial(asked, "hybrid"), questions(20, seed=2), 1)  # warm
    alone, hybrid_rate = await drive(partial(asked, "hybrid"), questions(200, seed=3), 1)
    crowd, crowd_rate = await drive(partial(asked, "hybrid"), questions(600, seed=4), 16)
    _, dense_rate = await drive(partial(asked, "vector"), questions(400, seed=5), 16)
    for name, times in (("alone", alone), ("16 at once", crowd)):
        for share in (0.5, 0.95):
            figures.append(
                Figure(
                    f"hybrid search, {name}, p{int(share * 100)}",
                    percentile(times, share), "ms", "over HTTP", "lower",
                )
            )  # fmt: skip
    best = max(hybrid_rate, crowd_rate)
    figures += [
        Figure("hybrid search", best, "searches/s", "over HTTP"),
        Figure(
            "hybrid / today's hybrid",
            best / _TODAY_HYBRID_PER_SECOND,
            "×",
            "1.4/s",
            bar=HYBRID_TIMES,
        ),
        Figure(
            "hybrid / today's dense", best / _TODAY_DENSE_PER_SECOND, "×", "28/s", bar=DENSE_TIMES
        ),
        Figure("vector search", dense_rate, "searches/s", "over HTTP"),
    ]
    return percentile(alone, 0.95)


async def _search_while_ingesting(
    client: httpx.AsyncClient, base_id: str, idle: float, count: int
) -> Figure:
    await add(client, base_id, documents(count, SIZE, seed=6))
    times, _ = await drive(partial(ask, client, base_id, "hybrid"), questions(150, seed=7), 1)
    if not await _has(client, base_id, "pending"):
        raise RuntimeError("ingestion ended before the searches did: use more documents")
    await finished(client, base_id)
    ratio = percentile(times, 0.95) / idle
    yardstick = f"idle p95 {idle:.0f} ms"
    return Figure("search p95, ingesting / idle", ratio, "×", yardstick, "lower", bar=3)
