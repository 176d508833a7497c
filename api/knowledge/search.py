"""Search in one base."""

from __future__ import annotations

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.knowledge.schemas import CollapsedResult, SearchFields, SearchReply, SearchResult
from pipelines.search import Hit, SearchQuery, search


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
    answer = await search(call.services.store, call.workspace_id, [base_id], query)
    return SearchReply(
        results=[_result(hit) for hit in answer.results],
        query=fields.query,
        top_k=fields.top_k,
        mode=fields.mode,
        total_results=answer.total,
        timings=answer.timings,
    )


def _result(hit: Hit) -> SearchResult:
    kind = CollapsedResult if hit.duplicates else SearchResult
    return kind.model_validate(hit.to_json())
