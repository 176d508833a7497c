"""Tools by name: what there is, and calling one with the workspace's credentials."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field, JsonValue

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.wire import Wire, left_away
from core.errors import UpstreamError
from pipelines import tools
from pipelines.tools.gmail_message import GmailMessage
from pipelines.tools.openai import Completion
from pipelines.tools.remote.sources import RemoteTool, all_tools
from pipelines.tools.slack import SlackMessage


class ToolAnswer(Wire):
    """A tool as the list shows it; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    category: str
    parameters: dict[str, Any]
    requires_credential: bool
    configured: bool


class Failure(Wire):
    """Why the service behind a tool refused."""

    code: str
    message: str
    details: dict[str, Any]


class ToolResult(Wire):
    """``error`` is there unless it succeeded."""

    success: bool
    output: Any
    error: Failure | None = left_away()
    duration_ms: float


class ToolCall(Wire):
    params: dict[str, JsonValue] = Field(default_factory=dict)


@endpoint("GET", "/api/tools", access=READ)
async def list_tools(call: Call) -> list[ToolAnswer]:
    """List the tools; ``configured`` says that the workspace has the secrets one signs in with."""
    configured = await tools.configured(call.services, call.workspace_id)
    ours = [
        ToolAnswer(
            name=tool.name,
            description=tool.description,
            category=tool.category,
            parameters=tool.schema(),
            requires_credential=bool(tool.credentials),
            configured=tool.name in configured,
        )
        for tool in tools.TOOLS.values()
    ]
    return ours + [_remote(tool) for tool in await all_tools(call.unit)]


def _remote(tool: RemoteTool) -> ToolAnswer:
    return ToolAnswer(
        name=tool.name,
        description=tool.tool.description,
        category=tool.kind,
        parameters=tool.tool.parameters,
        requires_credential=tool.sealed_headers is not None,
        configured=True,
    )


@endpoint("POST", "/api/tools/<tool_name>", access=WRITE)
async def execute_tool(call: Call, tool_name: str, body: ToolCall) -> ToolResult:
    """Call a tool by its name."""
    return await _execute(call, tool_name, body.params)


@endpoint("POST", "/api/tools/gmail/send", access=WRITE)
async def send_gmail(call: Call, body: GmailMessage) -> ToolResult:
    """Send an e-mail from the Gmail account the workspace has credentials for."""
    return await _execute(call, "gmail_send", _given(body))


@endpoint("POST", "/api/tools/slack/message", access=WRITE)
async def send_slack_message(call: Call, body: SlackMessage) -> ToolResult:
    """Post a message to Slack with the workspace's bot token."""
    return await _execute(call, "slack_message", _given(body))


@endpoint("POST", "/api/tools/openai/complete", access=WRITE)
async def complete_with_openai(call: Call, body: Completion) -> ToolResult:
    """Complete messages or a prompt with the workspace's OpenAI key."""
    return await _execute(call, "openai_complete", _given(body))


def _given(body: GmailMessage | SlackMessage | Completion) -> dict[str, JsonValue]:
    return body.model_dump(mode="json", by_alias=True, exclude_unset=True)


async def _execute(call: Call, name: str, params: dict[str, JsonValue]) -> ToolResult:
    """Call a tool; what the service behind it refuses is an answer, not a failure of ours."""
    started = time.monotonic()
    key = call.request.headers.get("Idempotency-Key")
    output, failure = None, None
    try:
        output = await tools.call(call.services, call.workspace_id, name, params, key)
    except UpstreamError as error:
        failure = Failure(code=error.code, message=error.message, details=error.details)
    return ToolResult(
        success=failure is None,
        output=output,
        error=failure,
        duration_ms=round((time.monotonic() - started) * 1000, 1),
    )
