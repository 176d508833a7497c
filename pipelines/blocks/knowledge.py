"""``knowledge``: searches a knowledge base, or adds a text to it as a document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, ClassVar, Literal

from haystack import component
from pydantic import BeforeValidator, Field, JsonValue
from typing_extensions import override

from core import intake
from core.errors import NuxaError, ValidationFailed
from core.models import chat
from core.models.messages import Finished
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.model_keys import own_key
from pipelines.rewriting import Rewritten, rewrite

BaseIds = Annotated[
    list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
]
"""One id or several."""


class KnowledgeSettings(BlockSettings):
    operation: Literal["search", "add"] = "search"
    knowledge_base_id: BaseIds
    query: Text = Field("", description="What is searched for.")
    top_k: int = Field(10, ge=1, le=200)
    mode: Literal["hybrid", "vector", "keyword"] = "hybrid"
    filter: dict[str, JsonValue] | None = None
    rerank: bool = False
    rewrite: bool = Field(False, description="Search in other words of the chat model's as well.")
    min_score: float | None = None
    name: Text = Field("note.txt", description="Name of an added document.")
    text: Text = Field("", description="Content of an added document.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


@component
class Knowledge(BlockComponent[KnowledgeSettings]):
    type_name = "knowledge"
    title = "Knowledge"
    description = "Searches knowledge bases, or adds a text to one as a document."
    outputs: ClassVar = {"results": "array", "totalResults": "number"}
    settings = KnowledgeSettings

    @override
    async def execute(self, context: Context, settings: KnowledgeSettings) -> Output:
        if settings.operation == "add":
            return _output([await _add(context, settings)])
        return await _search(context, settings)


def _output(results: list[JsonValue]) -> Output:
    return {"results": results, "totalResults": len(results)}


async def _search(context: Context, settings: KnowledgeSettings) -> Output:
    from pipelines.search import SearchQuery  # numpy and the models behind it are heavy
    from pipelines.search.widening import search_widely

    query = SearchQuery(
        settings.query,
        top_k=settings.top_k,
        mode=settings.mode,
        filter=settings.filter,
        min_score=settings.min_score,
        rerank=settings.rerank,
    )
    others = await _rewritten(context, settings.query) if settings.rewrite else Rewritten(())
    answer = await search_widely(
        *(context.services.store, context.workspace_id, settings.knowledge_base_id, query),
        others.queries,
    )
    return {**_output([hit.to_json() for hit in answer.results]), **_spent(others.spent)}


async def _rewritten(context: Context, question: str) -> Rewritten:
    key = await own_key(context.services, context.workspace_id, None)
    return await rewrite(question, chat.stream, api_key=key)


def _spent(finished: Finished | None) -> Output:
    if finished is None:
        return {}
    sent, received = finished.input_tokens, finished.output_tokens
    tokens: JsonValue = {"input": sent, "output": received, "total": sent + received}
    return {"model": finished.model, "tokens": tokens, "cost": finished.cost}


async def _add(context: Context, settings: KnowledgeSettings) -> JsonValue:
    """Add the text; the same text again is the document that is there already."""
    if not settings.text.strip():
        raise ValidationFailed("There is no text to add; fill in the setting text.")
    if len(settings.knowledge_base_id) != 1:
        raise ValidationFailed("A document is added to one knowledge base; name one.")
    services = context.services
    async with services.store.unit(context.workspace_id) as unit:
        await unit.bases.get_all(settings.knowledge_base_id)  # nothing is stored for no base
    stored = await services.blobs.put(_pieces(settings.text), services.settings.max_upload_bytes)
    content = intake.Content(
        settings.name,
        "text/plain",
        stored.size,
        stored.checksum,
        stored.key,
        metadata=settings.metadata,
    )
    try:
        async with services.store.unit(context.workspace_id) as unit:
            [base] = await unit.bases.get_all(settings.knowledge_base_id)
            accepted = await intake.add(unit, base.id, content, services.queue, services.blobs)
    except NuxaError:
        await services.blobs.delete(stored.key)
        raise
    document = accepted.document
    return {"id": document.id, "name": document.name, "status": document.status}


async def _pieces(text: str) -> AsyncIterator[bytes]:
    yield text.encode()
