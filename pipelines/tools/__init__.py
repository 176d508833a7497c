"""Tools: typed functions that workflows, the copilot and the API call by name.

Each tool is one file; a tool signs in with secrets of the workspace, named in its file:
``GMAIL_ACCESS_TOKEN`` (or ``GMAIL_REFRESH_TOKEN``, ``GMAIL_CLIENT_ID`` and
``GMAIL_CLIENT_SECRET``), ``SLACK_BOT_TOKEN``, ``OPENAI_API_KEY``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue

from core.errors import NotFound, NuxaError
from core.models.messages import ToolSpec
from core.services import Services
from pipelines.references import mask
from pipelines.tools.base import Output, Reach, Tool
from pipelines.tools.gmail import GMAIL_SEND
from pipelines.tools.http_request import HTTP_REQUEST
from pipelines.tools.openai import OPENAI_COMPLETE
from pipelines.tools.slack import SLACK_MESSAGE

_TOOLS: tuple[Tool[Any], ...] = (GMAIL_SEND, SLACK_MESSAGE, OPENAI_COMPLETE, HTTP_REQUEST)
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
    """Call a tool with a workspace's credentials and return its output.

    Slow: never call it inside a transaction. Raises ``NotFound`` for an unknown tool,
    ``ValidationFailed`` for parameters or a URL, ``CredentialMissing``, and ``UpstreamError`` for
    what the other side refuses or breaks. Secrets are masked in output and errors.
    """
    tool = find(name)
    fitted = tool.fit(params)
    credentials = await _credentials(services, workspace_id, tool)
    reach = Reach(services, workspace_id, credentials, idempotency_key)
    try:
        output = mask(await tool.run(reach, fitted), credentials)
    except NuxaError as error:
        error.message = str(mask(error.message, credentials))
        error.args = (error.message,)
        error.details = dict(_object(mask(error.details, credentials)))
        raise
    return _object(output)


async def configured(services: Services, workspace_id: str) -> set[str]:
    """Return the names of the tools that a workspace has the credentials for."""
    async with services.store.unit(workspace_id) as unit:
        names = set(await unit.secrets.all_sealed())
    return {tool.name for tool in TOOLS.values() if tool.is_configured(names)}


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
    return {name: services.sealer.open(sealed[name]) for name in tool.pick(sealed)}


def _object(value: JsonValue) -> Output:
    if not isinstance(value, dict):
        raise TypeError("masking keeps an object an object")
    return value
