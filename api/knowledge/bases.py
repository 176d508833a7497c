"""Knowledge bases of a workspace."""

from __future__ import annotations

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.knowledge.chunking import change_chunking
from api.knowledge.models import allowed_model, answers_of, change_model, dimensions_of
from api.knowledge.schemas import BaseAnswer, BasePatch, BaseQuery, NewBase
from api.paging import Page, cursor_of
from core.errors import Conflict
from core.ids import new_id
from core.removal import remove_base
from core.store.knowledge_bases import KnowledgeBase


@endpoint("POST", "/api/knowledge", access=WRITE, status=201)
async def create_base(call: Call, body: NewBase) -> BaseAnswer:
    """Create a knowledge base."""
    model = allowed_model(body.embedding_model, call.services.settings)
    dimensions = await dimensions_of(model)
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
    page = await call.unit.bases.page(query.request(), query.search)
    return Page(data=await answers_of(call.unit, page.rows), next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/knowledge/<base_id>", access=READ)
async def get_base(call: Call, base_id: str) -> BaseAnswer:
    """Return a knowledge base."""
    base = found(await call.unit.bases.get(base_id), "knowledge base")
    return (await answers_of(call.unit, [base]))[0]


@endpoint("PATCH", "/api/knowledge/<base_id>", access=WRITE, errors=[Conflict])
async def update_base(call: Call, base_id: str, body: BasePatch) -> BaseAnswer:
    """Change the name, description, embedding model or chunking of a base.

    With another model every passage is embedded anew in the background, as reembedding tells; the
    base is searched by its old model until all is done, and by the new one from then on. Setting
    the model that it still has stops a change.

    With another chunking the documents are read again in the background, as rechunking tells; each
    is found by its old passages until its new ones are there. Passages that somebody added stay;
    those that somebody edited, split, merged or deleted are as the document says.
    """
    changes = body.changes()
    wanted = changes.pop("embedding_model", None)
    has_chunking = "chunking" in changes
    changes.pop("chunking", None)
    model = allowed_model(wanted, call.services.settings)
    dimensions = await dimensions_of(model) if wanted else 0
    get_base = call.unit.bases.lock if has_chunking else call.unit.bases.get
    base = found(await get_base(base_id), "knowledge base")
    for name, value in changes.items():
        setattr(base, name, value)
    await call.unit.flush()
    if has_chunking:
        await change_chunking(call, base, body.chunking)
    if wanted:
        await change_model(call, base, model, dimensions)
    return (await answers_of(call.unit, [base]))[0]


@endpoint("DELETE", "/api/knowledge/<base_id>", access=WRITE, status=204)
async def delete_base(call: Call, base_id: str) -> None:
    """Delete a base with its documents; none of them is found from now on."""
    base = found(await call.unit.bases.get(base_id), "knowledge base")
    await remove_base(call.unit, call.services.blobs, base)
    call.audit("knowledge.deleted", base.id, name=base.name)
