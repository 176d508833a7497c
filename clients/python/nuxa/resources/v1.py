"""The versioned API for integrations; it takes API keys only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nuxa.models import Execution, RunResult, SearchReply, Workflow
from nuxa.requests import Door, Json, Listing, Request, Resource, keyed, listing, method


class V1(Resource[Door]):
    @listing
    def workflows(self, *, search: str | None = None, limit: int = 50) -> Listing[Workflow]:
        return Listing("/api/v1/workflows", Workflow, {"search": search, "limit": limit})

    @method
    def execute(
        self, workflow_id: str, request: Json | None = None, *, idempotency_key: str | None = None
    ) -> Request[RunResult]:
        """Run a workflow and wait for its end: ``execute("wf_1", {"input": {…}})``."""
        path, headers = f"/api/v1/workflows/{workflow_id}/execute", keyed(idempotency_key)
        body = {"input": None, **(request or {})}
        return Request("POST", path, RunResult, json=body, headers=headers)

    @method
    def search_bases(
        self, /, base_ids: Sequence[str], query: str, **settings: Any
    ) -> Request[SearchReply]:
        """Search several bases of the key's workspace; each result names its base."""
        body = {"knowledgeBaseIds": [*base_ids], "query": query, **settings}
        path = "/api/v1/knowledge/search"
        return Request("POST", path, SearchReply, json=body, is_read_only=True)

    @method
    def execution(self, execution_id: str) -> Request[Execution]:
        return Request("GET", f"/api/v1/executions/{execution_id}", Execution)
