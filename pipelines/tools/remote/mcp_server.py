"""Tools of an MCP server, over streamable HTTP: the protocol's own SDK on the guarded client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from core.errors import NuxaError, UpstreamError
from core.http import HttpClient
from core.http.errors import NoAnswerInTime
from core.loading import load
from pipelines.tools.base import Output
from pipelines.tools.remote.listed import MOST_TOOLS, ListedTool, Listing, named, shortened
from pipelines.tools.remote.schema import SchemaUnusable, cleaned

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp_types import CallToolResult, Tool

_MOST_PAGES: Final = 20
_PIECES: Final = 4  # requests that a call takes at most, beside the greeting


async def list_server(
    http: HttpClient, url: str, headers: Mapping[str, str], source: str, seconds: float
) -> Listing:
    """Return a server's tools; raises ``UpstreamError`` and what the guarded client raises."""
    found = Listing()
    async with _connected(http, url, headers, seconds) as client:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools:
                _add(found, source, tool)
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


async def call_server(
    http: HttpClient,
    url: str,
    headers: Mapping[str, str],
    tool: ListedTool,
    arguments: Mapping[str, JsonValue],
    seconds: float,
) -> Output:
    """Call a tool and return ``text`` and, where there is any, ``structured`` content.

    Raises ``UpstreamError`` where the tool says that it failed, too.
    """
    async with _connected(http, url, headers, seconds) as client:
        result = await client.call_tool(str(tool.call["name"]), dict(arguments))
    text = _text(result)
    if result.is_error:
        raise UpstreamError(f"The tool {tool.name} failed: {text[:1000] or 'it does not say why'}.")
    output: Output = {"text": text}
    if result.structured_content is not None:
        output["structured"] = result.structured_content
    return output


def _add(found: Listing, source: str, tool: Tool) -> None:
    if len(found.tools) == MOST_TOOLS:
        found.left_out.append(f"{tool.name[:200]}: more than {MOST_TOOLS} tools")
        return
    try:
        parameters = cleaned(tool.input_schema)
    except SchemaUnusable as error:
        found.left_out.append(f"{tool.name[:200]}: {error}")
        return
    hints = tool.annotations
    found.tools.append(
        ListedTool(
            named(source, tool.name, [each.name for each in found.tools]),
            shortened(tool.description or tool.title or tool.name),
            parameters,
            bool(hints and hints.read_only_hint),
            {"name": tool.name},
        )
    )


def _text(result: CallToolResult) -> str:
    """Return the texts of a result; of other content, what it is."""
    parts = [
        item.text if item.type == "text" else f"({item.type}, not shown)" for item in result.content
    ]
    return "\n".join(parts)


@asynccontextmanager
async def _connected(
    http: HttpClient, url: str, headers: Mapping[str, str], seconds: float
) -> AsyncIterator[Client]:
    """Give a client that has greeted the server; what goes wrong leaves the block as an error of
    ours."""
    await load("httpx2", "mcp.client.client", "mcp.client.streamable_http", "core.http.for_sdk")
    import httpx2
    from mcp.client.client import Client
    from mcp.client.streamable_http import streamable_http_client

    from core.http.for_sdk import SdkTransport

    transport = SdkTransport(http, seconds)
    try:
        async with (
            asyncio.timeout(seconds * _PIECES),
            httpx2.AsyncClient(transport=transport, headers=dict(headers), timeout=None) as under,
            Client(
                streamable_http_client(url, http_client=under, max_sse_event_size=1_000_000),
                read_timeout_seconds=seconds,
                cache=None,
            ) as client,
        ):
            yield client
    except NuxaError:
        raise
    except TimeoutError as error:
        raise NoAnswerInTime("The MCP server did not answer in time; try again.") from error
    # The SDK's own errors come one by one, or in groups of groups.
    except Exception as error:
        raise _explained(transport, error) from error


def _explained(transport: Any, error: BaseException) -> NuxaError:
    for leaf in _leaves(error):
        if isinstance(leaf, NuxaError):
            return leaf
    if transport.refusal is not None:
        refusal: NuxaError = transport.refusal
        return refusal
    if transport.status in (401, 403):
        return UpstreamError("The MCP server does not accept the headers sent; correct them.")
    said = next(iter(_leaves(error)), error)
    return UpstreamError(f"The MCP server did not answer as one should: {str(said)[:300]}.")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
