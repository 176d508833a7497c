"""Tools by name."""

from __future__ import annotations

from nuxa.models import Tool, ToolResult
from nuxa.requests import Door, Json, Request, Resource, keyed, method


class Tools(Resource[Door]):
    @method
    def list(self) -> Request[list[Tool]]:
        return Request("GET", "/api/tools", list[Tool])

    @method
    def execute(
        self, name: str, params: Json, *, idempotency_key: str | None = None
    ) -> Request[ToolResult]:
        """Call a tool; what the service behind it refuses is in ``error``."""
        body, headers = {"params": dict(params)}, keyed(idempotency_key)
        return Request("POST", f"/api/tools/{name}", ToolResult, json=body, headers=headers)
