"""Sessions as they stand in the database, whatever can listen and speak here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from copilot.voice.settings import settings_of
from core.ids import new_id
from core.security import hash_token
from core.services import Services
from core.store.base import now
from core.store.pages import PageRequest
from core.store.voice_recordings import VoiceRecordingPiece
from core.store.voice_sessions import VoiceSession
from tests.api.conftest import Member


async def voice_session(member: Member, services: Services, **columns: Any) -> str:
    """Write a session of the member's; return its id, which is its token too."""
    session_id = new_id("vs")
    values = {
        "user_id": member.user_id,
        "channel": "web",
        "mode": "workspace-chat",
        "token_hash": hash_token(session_id),
        "settings": settings_of(None),
        "expires_at": now() + timedelta(minutes=5),
        **columns,
    }
    async with services.store.unit(member.workspace_id) as unit:
        assert await unit.voice_sessions.insert(VoiceSession(id=session_id, **values))
    return session_id


async def row_of(member: Member, services: Services, session_id: str) -> VoiceSession:
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.voice_sessions.get(session_id)
    assert row is not None
    return row


async def count_sessions(member: Member, services: Services) -> int:
    async with services.store.unit(member.workspace_id) as unit:
        return len((await unit.voice_sessions.page(None, PageRequest(200))).rows)


async def recorded(
    member: Member, services: Services, *, is_ended: bool = True, retention_days: int | None = None
) -> str:
    """Write a session with a recording of two pieces, a tenth of a second each."""
    session_id = await voice_session(member, services)
    async with services.store.unit(member.workspace_id) as unit:
        assert await unit.voice_sessions.claim(session_id, "p", timedelta(minutes=1))
        await unit.voice_recordings.begin(session_id, retention_days)
        for number in range(2):
            stored = await services.blobs.put(_bytes(), 10_000)
            assert await unit.voice_recordings.add(piece_of(session_id, number, stored.key))
        if is_ended:
            assert await unit.voice_sessions.end(session_id, "hangup")
            assert await unit.voice_recordings.end(session_id, is_whole=True)
    return session_id


async def _bytes() -> AsyncIterator[bytes]:
    yield bytes(range(16)) * 400


def piece_of(session_id: str, number: int, blob_key: str) -> VoiceRecordingPiece:
    return VoiceRecordingPiece(session_id=session_id, number=number, blob_key=blob_key, frames=1600)
