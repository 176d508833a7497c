"""A server to stand in for a service, and a workspace with secrets that calls tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pydantic import JsonValue

from core.services import Services
from pipelines import tools
from tests.conftest import Owner
from tests.stand_in import StandIn, standing_in

Save = Callable[[str, str], Awaitable[None]]
CallTool = Callable[..., Awaitable[dict[str, JsonValue]]]


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def save(services: Services, owner: Owner) -> Save:
    """Saves a secret in the owner's workspace."""

    async def put(name: str, value: str) -> None:
        async with services.store.unit(owner.workspace_id) as unit:
            await unit.secrets.put(name, services.sealer.seal(value))

    return put


@pytest.fixture
def call_tool(services: Services, owner: Owner) -> CallTool:
    """Calls a tool in the owner's workspace."""

    async def call(name: str, _key: str | None = None, **params: Any) -> dict[str, JsonValue]:
        return await tools.call(services, owner.workspace_id, name, params, _key)

    return call
