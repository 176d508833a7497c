"""Hearing a session again, where it was recorded."""

from __future__ import annotations

from typing import Final

from api.access import READ
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.files.download import ranged_reply
from api.voice.recordings import download_of
from api.voice.sessions import session_of
from core.errors import Conflict, NotFound, RangeNotSatisfiable

_SOUND: Final = Media("audio/wav")
_GIVEN: Final = ("Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag")


@endpoint(
    "GET",
    "/api/voice/session/<voice_session_id>/recording",
    access=READ,
    answers={200: _SOUND, 206: _SOUND, 304: None},
    errors=(Conflict, RangeNotSatisfiable),
    headers=("Range", "If-Range", "If-None-Match"),
    gives={200: _GIVEN, 206: (*_GIVEN, "Content-Range"), 304: _GIVEN},
)
async def get_voice_recording(call: Call, voice_session_id: str) -> Reply:
    """Give what was said as a WAV file, whole or in a range.

    16 kHz, the caller left and the copilot right. 404 where the session was not recorded or the
    recording was deleted, 409 until it has ended.
    """
    session = await session_of(call, voice_session_id)
    row = (await call.unit.voice_recordings.of([session.id])).get(session.id)
    if row is None:
        raise NotFound("This session has no recording: none was made, or it was deleted in time.")
    if row.ended_at is None:
        raise Conflict("This session is still being recorded; ask again when it has ended.")
    pieces = await call.unit.voice_recordings.pieces(session.id)
    return ranged_reply(call, download_of(call.services.blobs, row, pieces))
