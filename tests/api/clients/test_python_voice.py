"""The Python client: voice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from nuxa import AsyncNuxaClient, ServiceUnavailable, ValidationFailed

from core.models.speech import files
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.sessions import recorded, voice_session


async def test_voice(
    member: Member, services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, url = member.program.headers["x-api-key"], str(member.program.base_url)
    asked = {"name": "admin", "scopes": ["admin"]}
    admin = (await member.browser.post("/api/auth/api-keys", json=asked)).json()["key"]
    async with AsyncNuxaClient(admin, base_url=url) as client:
        assert (await client.voice.update({"greeting": "Hello"})).greeting == "Hello"
    monkeypatch.setattr(files, "roots", lambda _: ())
    async with AsyncNuxaClient(key, base_url=url, max_retries=0) as client:
        assert (await client.voice.config()).greeting == "Hello"
        with pytest.raises(ValidationFailed):
            await client.voice.create({"channel": "web", "mode": "none"})
        with pytest.raises(ServiceUnavailable):
            await client.voice.create({"channel": "web"}, idempotency_key="k")
        session_id = await voice_session(member, services)
        assert [row.id async for row in client.voice.sessions()] == [session_id]
        await client.voice.end(session_id)
        assert (await client.voice.session(session_id)).end_reason == "closed"
        session_id = await recorded(member, services)
        shown = (await client.voice.session(session_id)).recording
        assert shown is not None
        file = await client.voice.recording(session_id, tmp_path / "said.wav")
        assert len(await asyncio.to_thread(file.read_bytes)) == shown["size"]
