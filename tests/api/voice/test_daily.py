"""What Daily says: signed or refused, each event once."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx

from api.voice.signatures import daily_signature
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.sessions import row_of, voice_session

PATH = "/api/voice/webhook/daily"
SECRET = base64.b64encode(b"secret").decode()
ENDED = {
    "version": "1.0.0",
    "type": "meeting.ended",
    "id": "evt-1",
    "payload": {"start_ts": 1, "end_ts": 2, "meeting_id": "m", "room": "standup"},
    "event_ts": 2,
}


async def _set_up(member: Member) -> None:
    body = {"daily": {"webhookSecret": SECRET}}
    assert (await member.browser.post("/api/voice/config", json=body)).status_code == 200


async def _send(
    anonymous: httpx.AsyncClient, member: Member, event: Any, secret: str = SECRET, **headers: str
) -> httpx.Response:
    body, moment = json.dumps(event).encode(), str(int(time.time()))
    signed = {
        "X-Webhook-Signature": daily_signature(body, moment, secret),
        "X-Webhook-Timestamp": moment,
        **headers,
    }
    path = f"{PATH}?workspaceId={member.workspace_id}"
    return await anonymous.post(path, content=body, headers=signed)


async def test_the_call_that_tries_the_address_is_answered(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post(PATH, json={"test": "test"})
    assert (answer.status_code, answer.json()) == (200, {"received": True, "repeated": False})


async def test_a_meetings_end_ends_its_sessions_once(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    await _set_up(member)
    there = await voice_session(member, services, channel="daily", external_id="standup")
    other = await voice_session(member, services, channel="daily", external_id="lunch")
    assert (await _send(anonymous, member, ENDED)).json() == {"received": True, "repeated": False}
    row = await row_of(member, services, there)
    assert (row.status, row.end_reason) == ("ended", "hangup")
    assert (await row_of(member, services, other)).status == "waiting"
    # A room is met in again; a repeat of the event ends nothing in it.
    again = await voice_session(member, services, channel="daily", external_id="standup")
    assert (await _send(anonymous, member, ENDED)).json()["repeated"] is True
    assert (await row_of(member, services, again)).status == "waiting"


async def test_other_events_are_taken_and_change_nothing(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    await _set_up(member)
    there = await voice_session(member, services, channel="daily", external_id="standup")
    joined = {**ENDED, "type": "participant.joined"}
    assert (await _send(anonymous, member, joined)).status_code == 200
    assert (await row_of(member, services, there)).status == "waiting"


def _refused(answer: httpx.Response) -> None:
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "FORBIDDEN"


async def test_who_is_not_daily_is_refused_and_nothing_happens(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    there = await voice_session(member, services, channel="daily", external_id="standup")
    _refused(await _send(anonymous, member, ENDED))  # nobody has set Daily up
    await _set_up(member)
    _refused(await anonymous.post(PATH, json=ENDED))
    _refused(await anonymous.post(f"{PATH}?workspaceId={member.workspace_id}", json=ENDED))
    _refused(await anonymous.post(PATH, content=b"\xff"))
    _refused(await anonymous.post(PATH, json=[1]))
    _refused(await _send(anonymous, member, ENDED, secret="b3RoZXI="))
    _refused(await _send(anonymous, member, ENDED, **{"X-Webhook-Timestamp": "1"}))
    assert (await row_of(member, services, there)).status == "waiting"


async def test_a_secret_reaches_its_own_workspace_only(
    member: Member, stranger: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    await _set_up(stranger)
    there = await voice_session(member, services, channel="daily", external_id="standup")
    assert (await _send(anonymous, stranger, ENDED)).status_code == 200
    assert (await row_of(member, services, there)).status == "waiting"


async def test_a_signed_event_without_its_parts_is_a_400(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    await _set_up(member)
    for event in ({"type": "x"}, {"id": "e"}, {"id": 1, "type": "x"}, {"id": "\x00", "type": "x"}):
        assert (await _send(anonymous, member, event)).status_code == 400
