"""Calls of Twilio's: signed or refused, each a session, the same answer to a repeat."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.voice.signatures import twilio_signature
from core.config import Settings
from core.security import hash_token
from core.services import Services
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.api.voice.sessions import count_sessions

PATH = "/api/voice/webhook/twilio"
TOKEN = "0123456789abcdef"
CALL = {"AccountSid": "AC1", "CallSid": "CA1", "From": "+1 415", "To": "+1800", "Empty": ""}


async def _set_up(member: Member, token: str = TOKEN) -> None:
    body = {"twilio": {"accountSid": "AC1", "authToken": token}}
    assert (await member.browser.post("/api/voice/config", json=body)).status_code == 200


async def _call(
    anonymous: httpx.AsyncClient,
    settings: Settings,
    query: str = "",
    token: str = TOKEN,
    **more: str,
) -> httpx.Response:
    form = {**CALL, **more}
    url = f"{settings.base_url}{PATH}{query}"
    signed = twilio_signature(url, {name: [value] for name, value in form.items()}, token)
    headers = {"X-Twilio-Signature": signed}
    return await anonymous.post(f"{PATH}{query}", data=form, headers=headers)


@pytest.mark.usefixtures("with_voice")
async def test_a_call_is_connected_and_its_repeat_gets_the_same(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    await _set_up(member)
    answer = await _call(anonymous, settings)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/xml")
    stream = ElementTree.fromstring(answer.text).find("Connect/Stream")
    assert stream is not None
    assert stream.attrib["url"] == f"{settings.base_url.replace('http', 'ws')}/api/voice/stream"
    parameter = stream.find("Parameter[@name='token']")
    assert parameter is not None
    async with services.store.system() as system:
        session = await system.voice_sessions.by_token(hash_token(parameter.attrib["value"]))
    assert session is not None
    assert (session.channel, session.external_id) == ("twilio", "CA1")
    assert session.user_id == member.user_id
    assert (await _call(anonymous, settings)).text == answer.text
    assert await count_sessions(member, services) == 1


@pytest.mark.usefixtures("with_voice")
async def test_a_call_sent_several_times_at_once_is_one_session(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    await _set_up(member)
    answers = await asyncio.gather(*(_call(anonymous, settings) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await count_sessions(member, services) == 1


@pytest.mark.usefixtures("with_voice")
async def test_a_call_that_has_ended_stays_ended(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    await _set_up(member)
    await _call(anonymous, settings)
    over = await _call(anonymous, settings, CallStatus="completed")
    assert over.text == '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    (session,) = (await member.browser.get("/api/voice/session")).json()["data"]
    assert (session["status"], session["endReason"]) == ("ended", "hangup")
    assert (await _call(anonymous, settings)).status_code == 403
    assert await count_sessions(member, services) == 1


def _refused(answer: httpx.Response) -> None:
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "FORBIDDEN"


@pytest.mark.usefixtures("with_voice")
async def test_where_nobody_set_twilio_up_a_call_is_refused(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    _refused(await _call(anonymous, settings))
    await member.browser.post("/api/voice/config", json={"twilio": {"accountSid": "AC1"}})
    _refused(await _call(anonymous, settings, token=""))
    assert await count_sessions(member, services) == 0


@pytest.mark.usefixtures("with_voice")
async def test_who_is_not_twilio_is_refused_and_nothing_happens(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    await _set_up(member)
    wrong = {"X-Twilio-Signature": twilio_signature("https://elsewhere.example", {}, TOKEN)}
    bare: list[dict[str, Any]] = [{}, {"json": CALL}, {"data": CALL}, {"content": b"\xff"}]
    for more in bare:
        _refused(await anonymous.post(PATH, **more))
        _refused(await anonymous.post(PATH, headers=wrong, **more))
    _refused(await _call(anonymous, settings, token="another"))
    _refused(await _call(anonymous, settings, AccountSid="AC2"))
    _refused(await _call(anonymous, settings, AccountSid="AC\x00"))
    _refused(await _call(anonymous, settings, query="?workspaceId=ws_other"))
    assert await count_sessions(member, services) == 0


@pytest.mark.usefixtures("without_voice")
async def test_without_a_voice_a_signed_call_is_a_503(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings, services: Services
) -> None:
    await _set_up(member)
    answer = await _call(anonymous, settings)
    assert answer.status_code == 503
    assert "make voice-models" in answer.json()["error"]["message"]
    assert await count_sessions(member, services) == 0


@pytest.mark.usefixtures("with_voice")
async def test_another_workspace_that_names_the_account_gets_none_of_its_calls(
    member: Member,
    stranger: Member,
    anonymous: httpx.AsyncClient,
    settings: Settings,
    services: Services,
) -> None:
    await _set_up(stranger, token="another-token")
    await _set_up(member)
    for query in ("", f"?workspaceId={member.workspace_id}"):
        assert (await _call(anonymous, settings, query)).status_code == 200
    assert await count_sessions(member, services) == 1
    assert await count_sessions(stranger, services) == 0


@pytest.mark.usefixtures("with_voice")
async def test_who_left_the_workspace_answers_no_more_calls(
    member: Member, stranger: Member, anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    await join_workspace(member, stranger, "admin")
    people = f"/api/workspaces/{member.workspace_id}/members"
    body = {"twilio": {"accountSid": "AC1", "authToken": TOKEN}}
    there = {"workspaceId": member.workspace_id}
    await stranger.browser.post("/api/voice/config", json=body, params=there)
    await member.browser.delete(f"{people}/{stranger.user_id}")
    answer = await _call(anonymous, settings)
    _refused(answer)
    assert "has left" in answer.json()["error"]["message"]


@pytest.mark.usefixtures("with_voice")
async def test_a_json_body_is_checked_by_its_hash(
    member: Member, anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    await _set_up(member)
    body = json.dumps({"AccountSid": "AC1", "CallSid": "CA9"}).encode()
    query = f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signed = twilio_signature(f"{settings.base_url}{PATH}{query}", {}, TOKEN)
    headers = {"X-Twilio-Signature": signed, "Content-Type": "application/json"}
    answer = await anonymous.post(PATH + query, content=body, headers=headers)
    assert answer.status_code == 200
    assert 'value="vst_' in answer.text
    _refused(await anonymous.post(PATH + query, content=body + b" ", headers=headers))


async def test_a_body_too_large_is_refused(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post(PATH, data={"AccountSid": "x" * 100_000})
    assert answer.status_code == 413
