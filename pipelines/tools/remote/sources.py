"""A workspace's sources of tools: listing what one has, finding a tool, calling it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from core.errors import NotFound
from core.http import Outgoing
from core.models.messages import ToolSpec
from core.services import Services
from core.store.tool_sources import ToolSource
from core.store.unit import Unit
from pipelines.tools.base import Output
from pipelines.tools.remote.document import LARGEST, listing, parsed
from pipelines.tools.remote.listed import ListedTool, Listing, source_of
from pipelines.tools.remote.mcp_server import call_server, list_server
from pipelines.tools.remote.openapi_call import call_operation
from pipelines.tools.remote.schema import require_fit


@dataclass(frozen=True)
class RemoteTool:
    """A tool of a source; ``read_only`` only where an admin trusts what the source says."""

    tool: ListedTool
    kind: str
    url: str
    sealed_headers: str | None
    trusted: bool

    @property
    def name(self) -> str:
        return self.tool.name

    @property
    def read_only(self) -> bool:
        return self.trusted and self.tool.read_only

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.tool.name, self.tool.description, self.tool.parameters)


async def list_tools(
    services: Services,
    kind: str,
    name: str,
    url: str,
    headers: Mapping[str, str],
    document: str | None = None,
) -> Listing:
    """Ask a source what it has. For ``openapi``, ``url`` is the document's, unless it is given.

    Slow: never inside a transaction. Raises ``ValidationFailed`` for what cannot be read, and what
    the guarded client raises.
    """
    if kind == "mcp":
        seconds = services.settings.outgoing_timeout_seconds
        return await list_server(services.http, url, headers, name, seconds)
    if document is not None:
        return listing(name, parsed(document), None)
    answer = await services.http.request(Outgoing("GET", url, headers, max_bytes=LARGEST))
    return listing(name, parsed(answer.text), answer.url)


async def all_tools(unit: Unit) -> list[RemoteTool]:
    """Return every tool of every source of the workspace, in a fixed order."""
    return [tool for source in await unit.tool_sources.every() for tool in _tools(source)]


async def tools_named(unit: Unit, names: Collection[str]) -> dict[str, RemoteTool]:
    """Return the tools of these names that there are."""
    sources = await unit.tool_sources.named({source_of(name) for name in names})
    found = {tool.name: tool for source in sources for tool in _tools(source)}
    return {name: found[name] for name in names if name in found}


async def tool_named(unit: Unit, name: str) -> RemoteTool:
    """Return a tool; raises ``NotFound``."""
    found = await tools_named(unit, [name])
    if name not in found:
        raise NotFound(f"There is no tool {name[:80]!r}; GET /api/tools has all.")
    return found[name]


async def call_remote(
    services: Services,
    tool: RemoteTool,
    headers: Mapping[str, str],
    arguments: Mapping[str, JsonValue],
    idempotency_key: str | None = None,
) -> Output:
    """Call a tool with its source's headers, after its arguments were checked.

    Slow. Raises ``ValidationFailed``, ``UpstreamError`` and what the guarded client raises.
    """
    require_fit(tool.name, tool.tool.parameters, arguments)
    http, seconds = services.http, services.settings.outgoing_timeout_seconds
    if tool.kind == "mcp":
        return await call_server(http, tool.url, headers, tool.tool, arguments, seconds)
    once = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return await call_operation(http, tool.url, {**once, **headers}, tool.tool, arguments)


def headers_of(services: Services, sealed: str | None) -> dict[str, str]:
    """Return the headers that a source was registered with."""
    opened: dict[str, str] = json.loads(services.sealer.open(sealed)) if sealed else {}
    return opened


def _tools(source: ToolSource) -> list[RemoteTool]:
    rest: tuple[Any, ...] = (
        source.kind,
        source.url,
        source.sealed_headers,
        source.trust_read_only,
    )
    return [RemoteTool(ListedTool.read(each), *rest) for each in source.tools]
