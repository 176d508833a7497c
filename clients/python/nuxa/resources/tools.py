"""Tools by name."""

from __future__ import annotations

from nuxa.models import Tool, ToolResult, ToolSource
from nuxa.requests import Door, Json, Listing, Request, Resource, keyed, listing, method


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

    @method
    def send_gmail(self, mail: Json) -> Request[ToolResult]:
        """Send a mail: ``send_gmail({"to": …, "subject": …, "body": …})``."""
        return Request("POST", "/api/tools/gmail/send", ToolResult, json=mail)

    @method
    def send_slack_message(self, message: Json) -> Request[ToolResult]:
        """Send a message: ``send_slack_message({"channel": …, "text": …})``."""
        return Request("POST", "/api/tools/slack/message", ToolResult, json=message)

    @method
    def complete_with_openai(self, prompt: Json) -> Request[ToolResult]:
        """Complete a prompt: ``complete_with_openai({"model": …, "prompt": …})``."""
        return Request("POST", "/api/tools/openai/complete", ToolResult, json=prompt)

    @listing
    def sources(self) -> Listing[ToolSource]:
        """Iterate over the MCP servers and OpenAPI documents that tools come from."""
        return Listing("/api/tools/sources", ToolSource, {})

    @method
    def create_source(self, source: Json) -> Request[ToolSource]:
        """Register one: ``create_source({"name": …, "kind": "mcp" | "openapi", "url": …})``."""
        return Request("POST", "/api/tools/sources", ToolSource, json=source)

    @method
    def source(self, source_id: str) -> Request[ToolSource]:
        return Request("GET", f"/api/tools/sources/{source_id}", ToolSource)

    @method
    def update_source(self, source_id: str, changes: Json) -> Request[ToolSource]:
        return Request("PATCH", f"/api/tools/sources/{source_id}", ToolSource, json=changes)

    @method
    def refresh_source(self, source_id: str) -> Request[ToolSource]:
        """Ask the source anew what it has."""
        return Request("POST", f"/api/tools/sources/{source_id}/refresh", ToolSource)

    @method
    def delete_source(self, source_id: str) -> Request[None]:
        return Request("DELETE", f"/api/tools/sources/{source_id}")
