"""A service that can listen and speak, or one that cannot, whatever is installed here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio

from copilot.voice import holding
from core.models.speech import door, files
from tests import voices
from tests.voices import FakeVoice


@pytest.fixture
async def with_voice(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeVoice]:
    yield voices.install(monkeypatch)
    await holding.stop_all()


@pytest.fixture
def without_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "roots", lambda _: ())
    monkeypatch.setattr(door, "has_local_speaker", lambda: True)


Connect = Callable[..., Awaitable[socketio.AsyncClient]]


@pytest.fixture
async def connect(api_url: str) -> AsyncIterator[Connect]:
    """Opens a socket: ``await connect(token)``; all are closed afterwards."""
    async with AsyncExitStack() as opened:

        async def open_one(token: str) -> Any:
            client = socketio.AsyncClient(reconnection=False)
            await client.connect(
                api_url, auth={"token": token}, transports=["websocket"], wait_timeout=10
            )
            opened.push_async_callback(client.disconnect)
            return client

        yield open_one
