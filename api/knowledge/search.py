"""Search in one base, or in several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.knowledge.search_schemas import (
    CollapsedResult,
    SearchFields,
    SearchReply,
    SearchResult,
    SearchSummary,
    WideSearchFields,
    WideSearchReply,
    WideSearchResult,
)
from core.models import chat
from pipelines.model_keys import own_key
from pipelines.rewriting import rewrite
from pipelines.search import Hit, SearchAnswer, SearchQuery
from pipelines.search.widening import search_widely


@endpoint("GET", "/api/knowledge/<base_id>/search", access=READ)
async def search_by_query(call: Call, base_id: str, query: SearchFields) -> SearchReply:
    """Search a base."""
    return await _search_one(call, base_id, query)


@endpoint("POST", "/api/knowledge/<base_id>/search", access=READ)
async def search_by_body(call: Call, base_id: str, body: SearchFields) -> SearchReply:
    """Search with the fields in a body, where a filter needs no quoting."""
    return await _search_one(call, base_id, body)


@endpoint("POST", "/api/v1/knowledge/search", access=READ.key_only())
@endpoint("POST", "/api/knowledge/search", access=READ)
async def search_bases(call: Call, body: WideSearchFields) -> WideSearchReply:
    """Search several bases of one workspace at once; each result names its base.

    Bases of one embedding model and language are searched as one collection; those of others
    apart, and the results are put in one order by score.
    """
    base_ids = list(dict.fromkeys(body.knowledge_base_ids))
    async with call.services.store.unit(call.workspace_id) as unit:
        names = {base.id: base.name for base in await unit.bases.get_all(base_ids)}
    answer, rewrites = await _search(call, base_ids, body)
    return WideSearchReply(
        results=[_wide_result(hit, names[hit.base_id]) for hit in answer.results],
        **_summary(body, answer, rewrites),
    )


async def _search_one(call: Call, base_id: str, fields: SearchFields) -> SearchReply:
    answer, rewrites = await _search(call, [base_id], fields)
    results = [_result(hit) for hit in answer.results]
    return SearchReply(results=results, **_summary(fields, answer, rewrites))


async def _search(
    call: Call, base_ids: Sequence[str], fields: SearchFields
) -> tuple[SearchAnswer, list[str]]:
    """Return what is found, and the other wordings that were searched as well."""
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
    rewrites = await _rewritten(call, fields.query) if fields.rewrite else []
    store, workspace_id = call.services.store, call.workspace_id
    return await search_widely(store, workspace_id, base_ids, query, rewrites), rewrites


def _summary(fields: SearchFields, answer: SearchAnswer, rewrites: list[str]) -> dict[str, Any]:
    summary = SearchSummary(
        query=fields.query,
        top_k=fields.top_k,
        mode=fields.mode,
        total_results=answer.total,
        timings=answer.timings,
        rewrites=rewrites,
    )
    return dict(summary)


async def _rewritten(call: Call, question: str) -> list[str]:
    key = await own_key(call.services, call.workspace_id, None)
    rewritten = await rewrite(question, chat.stream, api_key=key)
    return list(rewritten.queries)


def _result(hit: Hit) -> SearchResult:
    kind = CollapsedResult if hit.duplicates else SearchResult
    return kind.model_validate(hit.to_json())


def _wide_result(hit: Hit, base_name: str) -> WideSearchResult:
    base = {"knowledgeBaseId": hit.base_id, "knowledgeBaseName": base_name}
    return WideSearchResult.model_validate(hit.to_json() | base)
