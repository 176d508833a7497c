"""Sessions: begun where there is a voice, ended once, seen by whose they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.security import hash_token
from core.services import Services
from core.store.base import now
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.api.voice.sessions import count_sessions, row_of, voice_session
from workers.upkeep import end_overdue_voice_sessions

PATH = "/api/voice/session"


@pytest.mark.usefixtures("without_voice")
async def test_without_a_voice_it_says_what_to_do(member: Member, services: Services) -> None:
    answer = await member.program.post(PATH, json={"channel": "web"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "make voice-models" in answer.json()["error"]["message"]
    assert int(answer.headers["Retry-After"]) > 0
    assert await count_sessions(member, services) == 0


@pytest.mark.usefixtures("with_voice")
async def test_a_session_begins_with_a_token_that_is_kept_as_a_hash(
    member: Member, services: Services
) -> None:
    await member.browser.post("/api/voice/config", json={"maxDurationSeconds": 60})
    answer = await member.program.post(PATH, json={"channel": "web"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"].startswith("vs_")
    assert made["format"] == {"encoding": "pcm16", "sampleRate": 16000, "channels": 1}
    row = await row_of(member, services, made["id"])
    assert row.token_hash == hash_token(made["token"])
    assert row.sealed_token is None
    assert timedelta(seconds=50) < row.expires_at - now() <= timedelta(seconds=60)
    answer = await member.program.get(f"{PATH}/{made['id']}")
    shown = answer.json()
    assert (shown["status"], shown["mode"], shown["transcript"]) == (
        "waiting",
        "workspace-chat",
        [],
    )
    assert made["token"] not in answer.text


@pytest.mark.usefixtures("with_voice")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"channel": "radio"}, 400),
        ({"channel": "web", "mode": "nothing"}, 400),
        ({"channel": "web", "mode": "workspace-chat", "workflowId": "wf_1"}, 400),
        ({"channel": "web", "room": "r"}, 400),
        ({"channel": "web", "workflowId": "wf_1"}, 404),
    ],
)
async def test_what_cannot_be_is_refused(
    body: dict[str, Any], status: int, member: Member, services: Services
) -> None:
    assert (await member.program.post(PATH, json=body)).status_code == status
    assert await count_sessions(member, services) == 0


async def test_ending_twice_is_ending_once(member: Member, services: Services) -> None:
    session_id = await voice_session(member, services)
    assert (await member.program.delete(f"{PATH}/{session_id}")).status_code == 204
    row = await row_of(member, services, session_id)
    assert (row.status, row.end_reason) == ("ended", "closed")
    assert (await member.program.delete(f"{PATH}/{session_id}")).status_code == 204
    assert (await row_of(member, services, session_id)).ended_at == row.ended_at


async def test_an_unknown_session_is_a_404(member: Member) -> None:
    assert (await member.program.get(f"{PATH}/vs_nothing")).status_code == 404
    assert (await member.program.delete(f"{PATH}/vs_nothing")).status_code == 404


async def test_a_colleague_sees_only_his_own_and_an_admin_all(
    member: Member, stranger: Member, services: Services
) -> None:
    await join_workspace(member, stranger, "read")
    hers = await voice_session(member, services)
    his = await voice_session(member, services, user_id=stranger.user_id)
    there = {"workspaceId": member.workspace_id}
    assert (await stranger.browser.get(f"{PATH}/{hers}", params=there)).status_code == 404
    assert (await stranger.browser.delete(f"{PATH}/{hers}", params=there)).status_code == 404
    listed = (await stranger.browser.get(PATH, params=there)).json()["data"]
    assert [row["id"] for row in listed] == [his]
    listed = (await member.browser.get(PATH)).json()["data"]
    assert {row["id"] for row in listed} == {his, hers}


async def test_upkeep_ends_what_is_overdue_or_has_lost_its_process(
    member: Member, services: Services
) -> None:
    past, soon = now() - timedelta(seconds=1), now() + timedelta(minutes=1)
    overdue = await voice_session(member, services, expires_at=past)
    lost = await voice_session(member, services, lease_owner="p", lease_until=past)
    held = await voice_session(member, services, lease_owner="p", lease_until=soon)
    waiting = await voice_session(member, services)
    async with services.store.unit(member.workspace_id) as unit:
        for session_id in (lost, held):
            (await unit.voice_sessions.get(session_id)).status = "active"  # type: ignore[union-attr]
    for _ in range(2):
        await end_overdue_voice_sessions(services)
    ends = {}
    for session_id in (overdue, lost, held, waiting):
        row = await row_of(member, services, session_id)
        ends[session_id] = (row.status, row.end_reason)
    assert ends == {
        overdue: ("ended", "limit"),
        lost: ("ended", "lost"),
        held: ("active", None),
        waiting: ("waiting", None),
    }
