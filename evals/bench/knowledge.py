"""Bases of the measured service: made, filled and searched over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from evals.bench.load import drive
from evals.bench.texts import documents
from evals.bench.wire import post_all

_LOOK_SECONDS: Final = 0.25  # looking costs the service time, too
_UPLOADS: Final = 8  # at once
SIZE: Final = 1500  # characters of a document


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


async def add(client: httpx.AsyncClient, base_id: str, texts: Sequence[str]) -> None:
    """Add texts by bare sockets: a costly client would have a part of the processors."""
    url = str(client.base_url.join(f"/api/knowledge/{base_id}/documents"))
    named = [{"text": text, "name": f"memo-{at}.txt"} for at, text in enumerate(texts)]
    bodies = [json.dumps(each).encode() for each in named]
    await post_all(url, {"x-api-key": client.headers["x-api-key"]}, bodies, concurrency=8)


async def upload(
    client: httpx.AsyncClient, base_id: str, uploads: Sequence[tuple[str, bytes]]
) -> None:
    """Upload files by multipart forms, some at once."""

    async def send(file: tuple[str, bytes]) -> None:
        path = f"/api/knowledge/{base_id}/documents"
        (await client.post(path, files={"file": file})).raise_for_status()

    await drive(send, uploads, _UPLOADS)


async def finished(client: httpx.AsyncClient, base_id: str) -> None:
    """Wait until every document of a base has been read; raises ``RuntimeError`` if one failed."""
    waiting = ["pending", "processing"]  # a document goes from one to the other
    while waiting:
        if await _has(client, base_id, waiting[0]):
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            del waiting[0]
    if await _has(client, base_id, "failed"):
        raise RuntimeError("A document failed, so that the rate means nothing; read its error.")


async def list_passages(client: httpx.AsyncClient, base_id: str) -> list[str]:
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


async def find(
    client: httpx.AsyncClient, base_id: str, question: str, **fields: Any
) -> Sequence[Mapping[str, Any]]:
    """Return the results of a search; raises ``RuntimeError`` where nothing is found."""
    path = f"/api/knowledge/{base_id}/search"
    found = await client.post(path, json={"query": question, **fields})
    found.raise_for_status()
    results: list[dict[str, Any]] = found.json()["results"]
    if not results:
        raise RuntimeError("A search found nothing, so that its time means nothing; look at it.")
    return results


async def ask(client: httpx.AsyncClient, base_id: str, mode: str, question: str) -> None:
    """Search once in a mode."""
    await find(client, base_id, question, mode=mode)


async def _has(client: httpx.AsyncClient, base_id: str, status: str) -> bool:
    """Return whether the base holds a document of a status."""
    path = f"/api/knowledge/{base_id}/documents"
    listed = await client.get(path, params={"limit": 1, "status": status})
    listed.raise_for_status()
    return bool(listed.json()["data"])
