"""The service's tools for Haystack's agents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from haystack.tools.tool import Tool

from core.models.messages import ToolSpec
from core.services import Services
from pipelines import tools


async def load_tools(services: Services, workspace_id: str, names: Sequence[str]) -> list[Tool]:
    """Return tools of the service by name, called with the workspace's secrets.

    Raises ``NotFound`` for a name that there is not.
    """
    loop = asyncio.get_running_loop()
    specs = await tools.specs(services, workspace_id, names)
    return [_to_tool(services, workspace_id, spec, loop) for spec in specs]


def _to_tool(
    services: Services, workspace_id: str, spec: ToolSpec, loop: asyncio.AbstractEventLoop
) -> Tool:
    async def call(**arguments: Any) -> Any:
        return await tools.call(services, workspace_id, spec.name, arguments)

    def call_from_thread(**arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(call(**arguments), loop).result()

    return Tool(
        name=spec.name,
        description=spec.description,
        parameters=dict(spec.parameters),
        function=call_from_thread,
        async_function=call,
    )
