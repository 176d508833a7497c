"""Sessions: begun, looked at, ended."""

from __future__ import annotations

from statistics import median
from typing import Any, Final, Literal

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.voice.recordings import shown_recording
from api.voice.schemas import (
    AudioFormat,
    NewVoiceSession,
    NewVoiceSessionAnswer,
    VoiceSessionAnswer,
)
from copilot.voice.sessions import Opening, open_session
from core.errors import Conflict
from core.rights import Role
from core.store.voice_recordings import VoiceRecording
from core.store.voice_sessions import VoiceSession

_WIDE: Final = AudioFormat(encoding="pcm16", sample_rate=16_000)
_TELEPHONE: Final = AudioFormat(encoding="mulaw", sample_rate=8_000)


@endpoint("POST", "/api/voice/session", access=READ, status=201)
async def create_voice_session(call: Call, body: NewVoiceSession) -> NewVoiceSessionAnswer:
    """Begin a session, which ends at ``expiresAt``, by DELETE, or when the caller hangs up.

    Its audio goes through the sockets' ``audio:*`` events; that of the channel ``twilio`` through
    a Media Stream whose parameter ``token`` is this one. 503 where nothing can listen or speak.
    """
    identity = call.caller.identity
    opening = Opening(
        user_id=call.user_id,
        channel=body.channel,
        workflow_id=body.workflow_id,
        mode=body.mode,
        external_id=body.room,
        way=identity.way,
        credential_id=identity.credential_id,
    )
    opened = await open_session(call.unit, call.services, opening)
    if opened is None:
        raise Conflict("This call has a session already.")
    session = opened.session
    return NewVoiceSessionAnswer(
        id=session.id,
        token=opened.token,
        status="waiting",
        channel=body.channel,
        expires_at=session.expires_at,
        format=_TELEPHONE if body.channel == "twilio" else _WIDE,
        recorded=session.settings["recording"]["enabled"],
    )


@endpoint("GET", "/api/voice/session", access=READ)
async def list_voice_sessions(
    call: Call, query: PageQuery[Literal["createdAt", "status", "channel"]]
) -> Page[VoiceSessionAnswer]:
    """List the user's sessions, newest first; an admin sees the workspace's."""
    page = await call.unit.voice_sessions.page(_whose(call), query.request())
    recordings = await call.unit.voice_recordings.of([row.id for row in page.rows])
    answers = [_answer(row, recordings.get(row.id)) for row in page.rows]
    return Page(data=answers, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/voice/session/<voice_session_id>", access=READ)
async def get_voice_session(call: Call, voice_session_id: str) -> VoiceSessionAnswer:
    """Return a session with all that was said, and how long the answers took."""
    session = await session_of(call, voice_session_id)
    recordings = await call.unit.voice_recordings.of([session.id])
    return _answer(session, recordings.get(session.id))


@endpoint("DELETE", "/api/voice/session/<voice_session_id>", access=READ, status=204)
async def end_voice_session(call: Call, voice_session_id: str) -> None:
    """End a session, at the latest a second or two later; again changes nothing."""
    session = await session_of(call, voice_session_id)
    await call.unit.voice_sessions.end(session.id, "closed")


def _whose(call: Call) -> str | None:
    """Return the user whose sessions the caller may see, None for everybody's."""
    is_admin = call.caller.role is not None and call.caller.role >= Role.ADMIN
    return None if is_admin else call.user_id


async def session_of(call: Call, session_id: str) -> VoiceSession:
    """Return a session that the caller may see; raises ``NotFound``."""
    return found(await call.unit.voice_sessions.get(session_id, _whose(call)), "voice session")


def _answer(row: VoiceSession, recording: VoiceRecording | None) -> VoiceSessionAnswer:
    columns: dict[str, Any] = {
        name: getattr(row, name)
        for name in VoiceSessionAnswer.model_fields
        if name not in ("latency_ms", "recording")
    }
    shown = None if recording is None else shown_recording(recording)
    return VoiceSessionAnswer(**columns, latency_ms=_medians(row.transcript), recording=shown)


def _medians(transcript: list[dict[str, Any]]) -> dict[str, int]:
    """Return the median of each kind of latency over the answers."""
    found_by_name: dict[str, list[int]] = {}
    for line in transcript:
        for name, value in line.get("latencyMs", {}).items():
            found_by_name.setdefault(name, []).append(value)
    return {name: round(median(values)) for name, values in found_by_name.items()}
