"""What Daily says of its rooms: when a meeting is over, so are the sessions in its room."""

from __future__ import annotations

import json
from typing import Any, Final

from api.access import PUBLIC
from api.call import Call
from api.endpoint import endpoint
from api.reading import read_whole
from api.voice.callers import count_as, refused
from api.voice.schemas import EventTaken
from api.voice.signatures import is_from_daily
from core.errors import Forbidden, ValidationFailed
from core.store.voice_configs import VoiceConfig

_LARGEST: Final = 256 * 1024  # bytes
_OVER: Final = "meeting.ended"
_LONGEST_ID: Final = 200


@endpoint("POST", "/api/voice/webhook/daily", access=PUBLIC, raw=True, errors=(Forbidden,))
async def receive_daily(call: Call) -> EventTaken:
    """Take an event, each id once: the end of a meeting ends the sessions in its room.

    Signed by ``X-Webhook-Signature``, else 403. The call by which Daily tries the address when a
    webhook is created carries no event: it is answered, and changes nothing.
    """
    body = await read_whole(call.request.headers, call.request.body, _LARGEST)
    event = _event(body)
    if "test" in event and "type" not in event:
        return EventTaken()
    config = await _signed_for(call, body)
    await count_as(call, config)
    event_id, kind = event.get("id"), event.get("type")
    if not isinstance(event_id, str) or not isinstance(kind, str) or not _is_storable(event_id):
        raise ValidationFailed("An event of Daily's has an id and a type.")
    async with call.services.store.unit(config.workspace_id) as unit:
        if not await unit.voice_events.claim(event_id):
            return EventTaken(repeated=True)
        room = _room(event)
        if kind == _OVER and room:
            await unit.voice_sessions.end_of("daily", room, "hangup")
    return EventTaken()


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refused("Daily") from error
    if not isinstance(event, dict):
        raise refused("Daily")
    return event


async def _signed_for(call: Call, body: bytes) -> VoiceConfig:
    headers, named = call.request.headers, call.request.query.get("workspaceId", [""])[0]
    if "\x00" in named:
        raise refused("Daily")
    async with call.services.store.system() as system:
        config = await system.voice_configs.of_workspace(named)
    if config is None or config.sealed_daily_webhook_secret is None:
        raise refused("Daily")
    secret = call.services.sealer.open(config.sealed_daily_webhook_secret)
    given = headers.get("X-Webhook-Signature", "")
    if not is_from_daily(given, headers.get("X-Webhook-Timestamp", ""), body, secret):
        raise refused("Daily")
    return config


def _is_storable(event_id: str) -> bool:
    return 0 < len(event_id) <= _LONGEST_ID and event_id.isprintable()


def _room(event: dict[str, Any]) -> str | None:
    payload = event.get("payload")
    room = payload.get("room") if isinstance(payload, dict) else None
    return room if isinstance(room, str) and room.isprintable() else None
