"""A document that is a URL: its bytes are fetched by the worker, through the guarded client."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import unquote, urlsplit

from core.blobs import Stored
from core.errors import Conflict, UpstreamError
from core.http import Outgoing
from core.services import Services
from core.store.documents import Document
from ingest.sniff import sniff
from ingest.walk import Duplicate, LeaseLost

_LONGEST_NAME: Final = 255


async def fetch(services: Services, document: Document, owner: str) -> Document:
    """Store what the document's URL answers with and return the row as it is then.

    Raises ``UpstreamError``, ``AddressForbidden``, ``ParseFailed`` for content that is no document,
    :class:`Duplicate` for content that the base holds already, and :class:`LeaseLost`.
    """
    url = document.source_url or ""
    stored, last_url = await _download(services, url)
    try:
        name = _name(last_url) if document.name == url else document.name
        async with services.blobs.local_file(stored.key) as path:
            found = await asyncio.to_thread(sniff, path, name)
    except BaseException:
        await services.blobs.delete(stored.key)
        raise
    # Not torn apart by a cancellation: afterwards either the row names the blob or it is gone.
    await asyncio.shield(_record(services, document, owner, stored, name, found.mime_type))
    async with services.store.unit(document.workspace_id) as unit:
        fresh = await unit.documents.get(document.id)
    if fresh is None:
        raise LeaseLost
    return fresh


def _name(url: str) -> str:
    """Return what a document is called whose caller gave no name."""
    last = unquote(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
    return (
        "".join(letter for letter in last if letter.isprintable())[-_LONGEST_NAME:] or "page.html"
    )


async def _download(services: Services, url: str) -> tuple[Stored, str]:
    limit = services.settings.max_upload_bytes
    async with services.http.stream(Outgoing("GET", url, max_bytes=limit)) as answer:
        if not 200 <= answer.status < 300:
            raise UpstreamError(
                f"{urlsplit(url).hostname} answered {answer.status}: check the URL, then process "
                "the document again."
            )
        return await services.blobs.put(answer.pieces(), limit), answer.url


async def _record(
    services: Services,
    document: Document,
    owner: str,
    stored: Stored,
    name: str,
    mime_type: str,
) -> None:
    values = {
        "name": name,
        "mime_type": mime_type,
        "size": stored.size,
        "checksum": stored.checksum,
        "blob_key": stored.key,
    }
    try:
        async with services.store.unit(document.workspace_id) as unit:
            same = await unit.documents.by_checksum(document.base_id, stored.checksum)
            if same is not None and same.id != document.id:
                raise Duplicate(f"The base holds the same content already, as {same.id}.")
            if not await unit.documents.note(document.id, owner, values):
                raise LeaseLost
    except BaseException as error:
        await services.blobs.delete(stored.key)
        if isinstance(error, Conflict):  # added by someone else between the look and the commit
            raise Duplicate("The base holds the same content already.") from error
        raise
