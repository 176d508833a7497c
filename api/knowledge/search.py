"""Search in one base."""

from __future__ import annotations

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.knowledge.search_schemas import (
    CollapsedResult,
    SearchFields,
    SearchReply,
    SearchResult,
)
from core.models import chat
from pipelines.model_keys import own_key
from pipelines.rewriting import rewrite
from pipelines.search import Hit, SearchQuery
from pipelines.search.widening import search_widely


@endpoint("GET", "/api/knowledge/<base_id>/search", access=READ)
async def search_by_query(call: Call, base_id: str, query: SearchFields) -> SearchReply:
    """Search a base."""
    return await _search(call, base_id, query)


@endpoint("POST", "/api/knowledge/<base_id>/search", access=READ)
async def search_by_body(call: Call, base_id: str, body: SearchFields) -> SearchReply:
    """Search with the fields in a body, where a filter needs no quoting."""
    return await _search(call, base_id, body)


async def _search(call: Call, base_id: str, fields: SearchFields) -> SearchReply:
    query = SearchQuery(
        text=fields.query,
        top_k=fields.top_k,
        mode=fields.mode,
        group_by=fields.group_by,
        filter=fields.filter,
        min_score=fields.min_score,
        rerank=fields.rerank,
        highlight=fields.highlight,
        expand=fields.expand,
    )
    others = await _rewritten(call, fields.query) if fields.rewrite else []
    answer = await search_widely(call.services.store, call.workspace_id, [base_id], query, others)
    return SearchReply(
        results=[_result(hit) for hit in answer.results],
        query=fields.query,
        top_k=fields.top_k,
        mode=fields.mode,
        total_results=answer.total,
        timings=answer.timings,
        rewrites=others,
    )


async def _rewritten(call: Call, question: str) -> list[str]:
    key = await own_key(call.services, call.workspace_id, None)
    rewritten = await rewrite(question, chat.stream, api_key=key, asker=call.workspace_id)
    return list(rewritten.queries)


def _result(hit: Hit) -> SearchResult:
    kind = CollapsedResult if hit.duplicates else SearchResult
    return kind.model_validate(hit.to_json())
