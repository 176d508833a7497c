"""The two clients; they differ in who waits."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Final

import httpx

from nuxa.requests import Door, Resource
from nuxa.resources.account import ApiKeys, Sessions, Users
from nuxa.resources.artifacts import Artifacts
from nuxa.resources.copilot import Copilot, SharedAgents
from nuxa.resources.files import Files
from nuxa.resources.knowledge import Knowledge
from nuxa.resources.logs import Logs
from nuxa.resources.mail import Mail
from nuxa.resources.person import Account
from nuxa.resources.schedules import Schedules
from nuxa.resources.tools import Tools
from nuxa.resources.v1 import V1
from nuxa.resources.voice import Voice
from nuxa.resources.webhooks import Webhooks
from nuxa.resources.workflows import Workflows
from nuxa.resources.workspaces import Workspaces
from nuxa.transport_async import AsyncTransport
from nuxa.transport_sync import SyncTransport

BASE_URL: Final = "https://app.nuxa.ai"
# A run that is waited for may take minutes without a byte; a stream has its keep-alives.
TIMEOUT: Final = httpx.Timeout(330.0, connect=10.0)


class _Resources(Resource[Door]):
    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self.workflows: Workflows[Door] = Workflows(door)
        self.schedules: Schedules[Door] = Schedules(door)
        self.mail: Mail[Door] = Mail(door)
        self.webhooks: Webhooks[Door] = Webhooks(door)
        self.copilot: Copilot[Door] = Copilot(door)
        self.shared_agents: SharedAgents[Door] = SharedAgents(door)
        self.knowledge: Knowledge[Door] = Knowledge(door)
        self.files: Files[Door] = Files(door)
        self.artifacts: Artifacts[Door] = Artifacts(door)
        self.logs: Logs[Door] = Logs(door)
        self.tools: Tools[Door] = Tools(door)
        self.voice: Voice[Door] = Voice(door)
        self.users: Users[Door] = Users(door)
        self.account: Account[Door] = Account(door)
        self.workspaces: Workspaces[Door] = Workspaces(door)
        self.sessions: Sessions[Door] = Sessions(door)
        self.api_keys: ApiKeys[Door] = ApiKeys(door)
        self.v1: V1[Door] = V1(door)


class NuxaClient(_Resources[SyncTransport]):
    """A client that waits; close it, or use it in ``with``.

    ``api_key`` goes into the header x-api-key, ``token`` is a bearer token instead;
    ``workspace_id`` names the workspace for a token that reaches several. ``max_retries`` is how
    often a request is tried again that may be sent twice. ``transport`` is httpx's, for tests.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        token: str | None = None,
        base_url: str | None = None,
        workspace_id: str | None = None,
        max_retries: int = 2,
        timeout: float | httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        given = _connection(api_key, token, base_url, workspace_id)
        http = httpx.Client(timeout=timeout, transport=transport, **given)
        super().__init__(SyncTransport(http, max_retries))

    def close(self) -> None:
        self._door.http.close()

    def __enter__(self) -> NuxaClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncNuxaClient(_Resources[AsyncTransport]):
    """A client for an event loop, with the same methods, to be awaited; see ``NuxaClient``."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        token: str | None = None,
        base_url: str | None = None,
        workspace_id: str | None = None,
        max_retries: int = 2,
        timeout: float | httpx.Timeout = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        given = _connection(api_key, token, base_url, workspace_id)
        http = httpx.AsyncClient(timeout=timeout, transport=transport, **given)
        super().__init__(AsyncTransport(http, max_retries))

    async def close(self) -> None:
        await self._door.http.aclose()

    async def __aenter__(self) -> AsyncNuxaClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _connection(
    api_key: str | None, token: str | None, base_url: str | None, workspace_id: str | None
) -> dict[str, Any]:
    """Return what both of httpx's clients are made with; raises ``ValueError`` without a key."""
    api_key = api_key or (None if token else os.environ.get("NUXA_API_KEY"))
    if not api_key and not token:
        raise ValueError("Give an api_key or a token, or set NUXA_API_KEY.")
    headers = {"Authorization": f"Bearer {token}"} if token else {"x-api-key": str(api_key)}
    return {
        "base_url": base_url or os.environ.get("NUXA_BASE_URL") or BASE_URL,
        "headers": headers,
        "params": {"workspaceId": workspace_id} if workspace_id else {},
    }
