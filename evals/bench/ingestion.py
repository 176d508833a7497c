"""Documents a second by multipart upload, by kind of file; search while others are read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Final

import httpx

from core.models.embed import get_embedder
from evals.bench import files, knowledge
from evals.bench.figures import INGESTION_SHARE, Figure, percentile
from evals.bench.load import drive
from evals.bench.references import encoding_seconds
from evals.bench.system import System
from evals.bench.texts import documents, questions

_PDF_PAGES: Final = 10  # of a document
_SEARCHES: Final = 100

Upload = tuple[str, bytes]  # a file's name and its bytes


async def measure(system: System, count: int) -> tuple[str, list[Figure]]:
    """Upload ``count`` texts and a share of other kinds; return the texts' base and the figures."""
    client = system.client
    await knowledge.warm(client)
    texts = [(f"memo-{i}.txt", text.encode()) for i, text in enumerate(_texts(count, seed=1))]
    base_id, seconds = await _ingest(client, texts)
    rate = count / seconds
    passages = await knowledge.list_passages(client, base_id)
    library = count / await asyncio.to_thread(encoding_seconds, passages)
    own = count / await _embedding_seconds(passages)
    made = f"{count} documents of {knowledge.SIZE} characters"
    encode = "its encode by ONNX, same texts"
    figures = [
        Figure("plain text", rate, "documents/s", made),
        Figure("plain text / sentence-transformers", rate / library, "×", encode, bar=0.9),
        Figure(
            "plain text / embedding", rate / own, "×", "our embedder alone", bar=INGESTION_SHARE
        ),
    ]
    figures += await _other_kinds(client, count)
    return base_id, [*figures, await _search_while_ingesting(client, base_id, count)]


async def _other_kinds(client: httpx.AsyncClient, count: int) -> list[Figure]:
    some, few = max(4, count // 4), max(2, count // 20)
    docx = [(f"{i}.docx", files.make_docx(text)) for i, text in enumerate(_texts(some, seed=11))]
    pages = files.make_pages(few * _PDF_PAGES, seed=12)
    parts = [pages[i * _PDF_PAGES : (i + 1) * _PDF_PAGES] for i in range(few)]
    pdfs = [(f"{i}.pdf", files.make_pdf(part)) for i, part in enumerate(parts)]
    scans = [
        (f"{i}.png", files.make_scan(text)) for i, text in enumerate(files.make_pages(few, seed=13))
    ]
    figures = []
    for name, uploads, each, unit in (
        ("Word documents", docx, 1, "documents/s"),
        (f"PDF of {_PDF_PAGES} pages", pdfs, _PDF_PAGES, "pages/s"),
        ("scans, by OCR", scans, 1, "pages/s"),
    ):
        base_id, seconds = await _ingest(client, uploads)
        await client.delete(f"/api/knowledge/{base_id}")
        figures.append(
            Figure(name, each * len(uploads) / seconds, unit, f"{len(uploads)} files together")
        )
    return figures


async def _ingest(client: httpx.AsyncClient, uploads: Sequence[Upload]) -> tuple[str, float]:
    """Return a new base with these files in it, and the seconds from first to last."""
    base_id = await knowledge.new_base(client)
    started = perf_counter()
    await knowledge.upload(client, base_id, uploads)
    await knowledge.finished(client, base_id)
    return base_id, perf_counter() - started


async def _embedding_seconds(texts: list[str]) -> float:
    """Return how long the service's embedder takes for texts, alone on the machine."""
    embedder = get_embedder(bulk=True)
    await embedder.load()
    started = perf_counter()
    await embedder.embed_documents(texts)
    return perf_counter() - started


async def _search_while_ingesting(client: httpx.AsyncClient, base_id: str, count: int) -> Figure:
    asked = partial(knowledge.ask, client, base_id, "hybrid")
    await drive(asked, questions(20, seed=2), 1)
    idle, _ = await drive(asked, questions(_SEARCHES, seed=3), 1)
    busy_id = await knowledge.new_base(client)
    await knowledge.add(client, busy_id, _texts(2 * count, seed=6))
    work = asyncio.create_task(knowledge.finished(client, busy_id))
    times: list[float] = []
    for question in questions(_SEARCHES, seed=7):
        if work.done():
            break
        took, _ = await drive(asked, [question], 1)
        times += took
    await work
    p95 = percentile(idle, 0.95)
    told = f"{len(times)} searches, idle {p95:.0f} ms"
    ratio = percentile(times, 0.95) / p95
    return Figure("search p95 beside ingestion / idle", ratio, "×", told, "lower", bar=3)


def _texts(count: int, seed: int) -> list[str]:
    return documents(count, knowledge.SIZE, seed)
