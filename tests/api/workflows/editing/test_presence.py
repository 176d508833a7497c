"""Who is there, and where they point."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from api.sockets.hub import Hub
from api.workflows.editing import presence
from core import redis_names
from core.config import Settings
from core.services import Services
from tests.api.conftest import Member, serving
from tests.api.workflows.editing.conftest import Open


async def test_who_joins_learns_who_is_there_and_is_shown_to_them(
    member: Member, stranger: Member, reader: dict[str, Any], join: Open, open_socket: Open
) -> None:
    first, second = await join(member), await open_socket(stranger, **reader)
    joined = await second.done("workflow:join")
    assert [user["userId"] for user in joined["users"]] == [member.user_id, stranger.user_id]
    assert [user["role"] for user in joined["users"]] == ["owner", "read"]
    assert joined["workflow"]["version"] == joined["version"] == 1
    told = await first.hears("user:join")
    assert (told["userId"], told["userName"]) == (stranger.user_id, "Mia Member")
    await second.done("workflow:leave")
    assert (await first.hears("user:leave"))["socketId"] == told["socketId"]
    assert await second.refused("workflow:leave") == "CONFLICT"
    again = await second.done("user:join")
    assert again.keys() == {"ok", "version", "users"}
    await first.hears("user:join")
    await second.done("user:leave")
    await first.hears("user:leave")


async def test_a_closed_socket_leaves(member: Member, join: Open) -> None:
    first, second = await join(member), await join(member)
    await first.hears("user:join")
    await second.client.disconnect()
    assert (await first.hears("user:leave"))["userId"] == member.user_id
    assert len((await first.done("workflow:join"))["users"]) == 1


async def test_a_pointer_that_comes_while_one_is_being_shown_is_shown_as_well(
    member: Member, join: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await join(member), await join(member)
    tell, may_go_on = Hub.tell_all, asyncio.Event()

    async def slowly(hub: Hub, *args: Any) -> None:
        await tell(hub, *args)
        await may_go_on.wait()

    monkeypatch.setattr(Hub, "tell_all", slowly)
    await first.done("cursor:move", cursor={"x": 1, "y": 1})
    assert (await second.hears("cursor:move"))["cursor"] == {"x": 1, "y": 1}
    await first.done("cursor:move", cursor=None)
    may_go_on.set()
    assert (await second.hears("cursor:move"))["cursor"] is None


async def test_pointers_are_shown_to_the_others_the_last_of_many(
    member: Member, join: Open
) -> None:
    first, second = await join(member), await join(member)
    for x in range(60):
        await first.client.emit(
            "cursor:move", {"workflowId": first.workflow_id, "cursor": {"x": x, "y": 0}}
        )
    selection = {"type": "block", "id": "t"}
    await first.done("cursor:move", cursor={"x": 60, "y": 1}, selection=selection)
    seen = [await second.hears("cursor:move")]
    while seen[-1]["cursor"]["x"] != 60:
        seen.append(await second.hears("cursor:move"))
    assert (seen[-1]["selection"], seen[-1]["userId"]) == (selection, member.user_id)
    assert len(seen) < 30
    await first.done("cursor:move", cursor=None)
    assert (await second.hears("cursor:move"))["cursor"] is None
    assert await first.heard_nothing("cursor:move")


async def test_two_processes_are_one_room(
    member: Member, join: Open, settings: Settings, services: Services
) -> None:
    first = await join(member)
    async with serving(settings) as other_process:
        second = await join(member, url=other_process)
        assert (await first.hears("user:join"))["userId"] == member.user_id
        assert len((await second.done("workflow:join"))["users"]) == 2
        await first.done("variable:set", variableId="v", value=5)
        assert (await second.hears("workflow:update"))["version"] == 2
        await second.done("variable:set", variableId="v", value=6)
        assert (await first.hears("variable:set"))["variable"] == {"id": "v", "value": 6}
        await second.done("cursor:move", cursor={"x": 1, "y": 2})
        assert (await first.hears("cursor:move"))["cursor"] == {"x": 1.0, "y": 2.0}
        await second.client.disconnect()
    await first.hears("user:leave")


async def test_the_users_of_a_process_that_died_are_taken_out(
    member: Member, join: Open, settings: Settings, services: Services, workflow_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(presence, "_RENEW_SECONDS", 0.2)
    ghost = {"socketId": "gone", "userId": "usr_x", "userName": "G", "joinedAt": "2026"}
    entry = json.dumps({"user": ghost, "seen": time.time() - 31})
    async with serving(settings) as url:
        client = await join(member, url=url)
        await services.redis.hset(
            redis_names.presence(member.workspace_id, workflow_id), "gone", entry
        )
        assert (await client.hears("user:leave"))["socketId"] == "gone"
        assert len((await client.done("workflow:join"))["users"]) == 1
        await client.client.disconnect()
