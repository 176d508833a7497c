"""The process that talks is killed: the session is over, and says so; what was said is kept."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import socketio

from copilot.voice.settings import columns_of
from core.config import Settings
from core.ids import new_id
from core.models.speech.files import has_local_listener, has_local_speaker
from core.security import hash_token, new_token
from core.services import Services
from core.store.api_keys import ApiKey
from tests.conftest import Owner
from tests.faults.conftest import Crew, until


@pytest.mark.slow
async def test_a_session_ends_with_the_process_that_holds_it(
    crew: Crew, url: str, services: Services, settings: Settings, owner: Owner
) -> None:
    if not has_local_listener(settings) or not has_local_speaker():
        pytest.skip("no models that listen and speak: run make voice-models")
    key = await _key(services, owner)
    api = crew.start("api", "serve")
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}, timeout=30) as http:

        async def is_ready() -> bool:
            try:
                return (await http.get("/api/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await until(is_ready)
        await _record(services, owner)
        made = (await http.post("/api/voice/session", json={"channel": "web"})).json()
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(
            url, auth={"token": made["token"]}, transports=["websocket"], wait_timeout=10
        )
        assert (await client.call("audio:start", {"sessionId": made["id"]}, timeout=30))["ok"]
        await _speak(services, owner, client, made["id"])
    assert (await _state(services, owner, made["id"])) == ("active", None)
    crew.kill(api)
    crew.start_worker("upkeep")

    async def has_ended() -> bool:
        return await _state(services, owner, made["id"]) == ("ended", "lost")

    await until(has_ended)

    async def is_kept() -> bool:
        async with services.store.unit(owner.workspace_id) as unit:
            row = (await unit.voice_recordings.of([made["id"]]))[made["id"]]
        assert row.frames >= 8 * 16_000  # a piece of ten seconds, but what may still be on its way
        return row.is_whole is False

    await until(is_kept)


async def _record(services: Services, owner: Owner) -> None:
    values = columns_of(None) | {"recording": {"enabled": True, "retention_days": None}}
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.voice_configs.put({**values, "updated_by": owner.user_id})


async def _speak(
    services: Services, owner: Owner, client: socketio.AsyncClient, session_id: str
) -> None:
    """Send silence until a piece of it is written."""
    chunk = {"sessionId": session_id, "data": bytes(32_000)}

    async def is_written() -> bool:
        assert (await client.call("audio:chunk", chunk, timeout=30))["ok"]
        await asyncio.sleep(0.9)
        async with services.store.unit(owner.workspace_id) as unit:
            return (await unit.voice_recordings.of([session_id]))[session_id].pieces > 0

    await until(is_written)


async def _key(services: Services, owner: Owner) -> str:
    key = new_token("nuxa_")
    row = ApiKey(id=new_id("key"), user_id=owner.user_id, name="k", key_hash=hash_token(key))
    row.preview, row.scopes = key[:9], ["admin"]
    async with services.store.unit(owner.workspace_id) as unit:
        unit.api_keys.add(row)
    return key


async def _state(services: Services, owner: Owner, session_id: str) -> tuple[str, str | None]:
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.voice_sessions.get(session_id)
    assert row is not None
    return row.status, row.end_reason
