"""Tools: typed functions that workflows, the copilot and the API call by name.

Each tool is one file; a tool signs in with secrets of the workspace, named in its file:
``GMAIL_ACCESS_TOKEN`` (or ``GMAIL_REFRESH_TOKEN``, ``GMAIL_CLIENT_ID`` and
``GMAIL_CLIENT_SECRET``), ``SLACK_BOT_TOKEN``, ``OPENAI_API_KEY``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue

from core.errors import NotFound, NuxaError
from core.models.messages import ToolSpec
from core.services import Services
from pipelines.masking import mask
from pipelines.tools.base import Output, Reach, Tool
from pipelines.tools.gmail import GMAIL_SEND
from pipelines.tools.http_request import HTTP_REQUEST
from pipelines.tools.openai import OPENAI_COMPLETE
from pipelines.tools.remote.listed import is_remote
from pipelines.tools.remote.sources import (
    RemoteTool,
    call_remote,
    headers_of,
    tool_named,
    tools_named,
)
from pipelines.tools.slack import SLACK_MESSAGE
from pipelines.tools.sql_query import SQL_QUERY
from pipelines.tools.web_search import WEB_SEARCH

_TOOLS: tuple[Tool[Any], ...] = (
    GMAIL_SEND,
    SLACK_MESSAGE,
    OPENAI_COMPLETE,
    HTTP_REQUEST,
    WEB_SEARCH,
    SQL_QUERY,
)
TOOLS: Mapping[str, Tool[Any]] = MappingProxyType({tool.name: tool for tool in _TOOLS})


def find(name: str) -> Tool[Any]:
    """Return a tool; raises ``NotFound`` naming those there are."""
    if name not in TOOLS:
        raise NotFound(f"There is no tool {name[:60]!r}; there are {', '.join(TOOLS)}.")
    return TOOLS[name]


async def call(
    services: Services,
    workspace_id: str,
    name: str,
    params: Mapping[str, JsonValue],
    idempotency_key: str | None = None,
) -> Output:
    """Call a tool with a workspace's credentials and return its output; one of another's, too.

    Slow: never call it inside a transaction. Raises ``NotFound`` for an unknown tool,
    ``ValidationFailed`` for parameters or a URL, ``CredentialMissing``, and ``UpstreamError`` for
    what the other side refuses or breaks. Secrets are masked in output and errors.
    """
    if is_remote(name):
        return await _call_remote(services, workspace_id, name, params, idempotency_key)
    tool = find(name)
    fitted = tool.fit(params)
    credentials = await _credentials(services, workspace_id, tool)
    reach = Reach(services, workspace_id, credentials, idempotency_key)
    async with _hiding(credentials):
        return _object(mask(await tool.run(reach, fitted), credentials))


async def _call_remote(
    services: Services,
    workspace_id: str,
    name: str,
    params: Mapping[str, JsonValue],
    idempotency_key: str | None,
) -> Output:
    async with services.store.unit(workspace_id) as unit:
        tool = await tool_named(unit, name)
    headers = headers_of(services, tool.sealed_headers)
    hidden = dict(headers)
    for header, value in headers.items():
        if " " in value:  # Bearer and the token: either may be echoed
            hidden[f"{header} token"] = value.rpartition(" ")[2]
    async with _hiding(hidden):
        output = await call_remote(services, tool, headers, params, idempotency_key)
        return _object(mask(output, hidden))


async def specs(services: Services, workspace_id: str, names: Collection[str]) -> list[ToolSpec]:
    """Return tools as a model sees them; raises ``NotFound`` for one there is not."""
    found: dict[str, RemoteTool] = {}
    remote = [name for name in names if is_remote(name)]
    if remote:
        async with services.store.unit(workspace_id) as unit:
            found = await tools_named(unit, remote)
    if missing := [name for name in remote if name not in found]:
        raise NotFound(f"There is no tool {missing[0][:80]!r}; GET /api/tools has all.")
    return [found[name].spec if name in found else find(name).spec for name in names]


@asynccontextmanager
async def _hiding(credentials: Mapping[str, str]) -> AsyncIterator[None]:
    """Hide credentials in the errors that leave the block."""
    try:
        yield
    except NuxaError as error:
        error.message = str(mask(error.message, credentials))
        error.args = (error.message,)
        error.details = dict(_object(mask(error.details, credentials)))
        raise


async def configured(services: Services, workspace_id: str) -> set[str]:
    """Return the names of the tools that a workspace has the credentials for."""
    async with services.store.unit(workspace_id) as unit:
        names = set(await unit.secrets.all_sealed())
    settings = services.settings
    return {tool.name for tool in TOOLS.values() if tool.is_configured(names, settings)}


@dataclass(frozen=True)
class BoundTool:
    """A tool for the loop of model and tools (``pipelines.agent``), in one workspace."""

    services: Services
    workspace_id: str
    tool: Tool[Any]
    idempotency_key: str | None = None

    @property
    def spec(self) -> ToolSpec:
        return self.tool.spec

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        return await call(
            self.services, self.workspace_id, self.tool.name, arguments, self.idempotency_key
        )


async def _credentials(services: Services, workspace_id: str, tool: Tool[Any]) -> dict[str, str]:
    if not tool.credentials:
        return {}
    async with services.store.unit(workspace_id) as unit:
        sealed = await unit.secrets.all_sealed()
    return {
        name: services.sealer.open(sealed[name]) for name in tool.pick(sealed, services.settings)
    }


def _object(value: JsonValue) -> Output:
    if not isinstance(value, dict):
        raise TypeError("masking keeps an object an object")
    return value
