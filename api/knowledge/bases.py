"""Knowledge bases of a workspace."""

from __future__ import annotations

import asyncio

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.knowledge.schemas import BaseAnswer, BasePatch, BaseQuery, NewBase
from api.paging import Page, cursor_of
from core.config import PACKAGED_EMBEDDING_MODEL, Settings
from core.errors import ValidationFailed
from core.ids import new_id
from core.models.embed import get_embedder
from core.removal import remove_base
from core.store.knowledge_bases import KnowledgeBase


@endpoint("POST", "/api/knowledge", access=WRITE, status=201)
async def create_base(call: Call, body: NewBase) -> BaseAnswer:
    """Create a knowledge base."""
    model = _allowed_model(body.embedding_model, call.services.settings)
    embedder = get_embedder(model)
    dimensions = await asyncio.to_thread(lambda: embedder.dimensions)
    base = call.unit.bases.add(
        KnowledgeBase(
            id=new_id("kb"),
            name=body.name,
            description=body.description,
            language=body.language,
            embedding_model=model,
            embedding_dimensions=dimensions,
            chunking=body.chunking.model_dump(by_alias=True) if body.chunking else {},
        )
    )
    await call.unit.flush()
    return BaseAnswer.model_validate(base)


@endpoint("GET", "/api/knowledge", access=READ)
async def list_bases(call: Call, query: BaseQuery) -> Page[BaseAnswer]:
    """List the knowledge bases, newest first."""
    page = await call.unit.bases.page(query.position(), query.limit, query.search)
    return Page(
        data=[BaseAnswer.model_validate(row) for row in page.rows], next_cursor=cursor_of(page.next)
    )


@endpoint("GET", "/api/knowledge/<base_id>", access=READ)
async def get_base(call: Call, base_id: str) -> BaseAnswer:
    """Return a knowledge base."""
    return BaseAnswer.model_validate(found(await call.unit.bases.get(base_id), "knowledge base"))


@endpoint("PATCH", "/api/knowledge/<base_id>", access=WRITE)
async def update_base(call: Call, base_id: str, body: BasePatch) -> BaseAnswer:
    """Change the name or description of a base."""
    base = found(await call.unit.bases.get(base_id), "knowledge base")
    for name, value in body.changes().items():
        setattr(base, name, value)
    await call.unit.flush()
    return BaseAnswer.model_validate(base)


@endpoint("DELETE", "/api/knowledge/<base_id>", access=WRITE, status=204)
async def delete_base(call: Call, base_id: str) -> None:
    """Delete a base with its documents; none of them is found from now on."""
    base = found(await call.unit.bases.get(base_id), "knowledge base")
    await remove_base(call.unit, call.services.blobs, base)
    call.audit("knowledge.deleted", base.id, name=base.name)


def _allowed_model(wanted: str | None, settings: Settings) -> str:
    """Return the embedding model of a new base: the server's, or the one it always has."""
    known = (settings.embedding_model, PACKAGED_EMBEDDING_MODEL)
    if wanted is not None and wanted not in known:
        issue = {"path": "embeddingModel", "message": "unknown model", "code": "unknown_model"}
        raise ValidationFailed(
            f"This server embeds with {' or '.join(dict.fromkeys(known))}.", {"issues": [issue]}
        )
    return wanted or settings.embedding_model
