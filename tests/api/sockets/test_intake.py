"""What takes long holds up nothing else of its socket."""

from __future__ import annotations

import asyncio
from typing import Any

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member, serving
from tests.api.sockets.conftest import Connect, Told, socket_app


def _auth(member: Member) -> dict[str, str]:
    return {"token": member.program.headers["x-api-key"]}


async def _say(client: Any, event: str, text: str) -> dict[str, Any]:
    return dict(await client.call(event, {"text": text}, timeout=30))


async def test_others_are_answered_meanwhile_a_few_at_a_time(
    member: Member, connect: Connect, told: Told
) -> None:
    client = await connect(_auth(member))
    few = [asyncio.create_task(_say(client, "test:wait", str(n))) for n in range(4)]
    async with asyncio.timeout(20):
        while len(told.waiting) < 4:
            await asyncio.sleep(0.01)
    assert (await _say(client, "test:say", "meanwhile"))["ok"]
    more = asyncio.create_task(_say(client, "test:wait", "one more"))
    await asyncio.sleep(0.05)
    after = asyncio.create_task(_say(client, "test:say", "after"))
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in (*few, more, after))
    told.may_go_on.set()
    answers = [await task for task in (*few, more)]
    assert [answer["text"] for answer in answers] == ["0", "1", "2", "3", "one more"]
    assert (await after)["ok"]
    assert told.texts == ["meanwhile", "after"]


async def test_a_malformed_one_is_refused_like_others(member: Member, connect: Connect) -> None:
    client = await connect(_auth(member))
    refused = await client.call("test:wait", {"text": 3}, timeout=5)
    assert refused["error"]["code"] == "VALIDATION_ERROR"


async def test_a_server_that_ends_waits_for_none(
    settings: Settings, services: Services, member: Member, connect: Connect, told: Told
) -> None:
    async with serving(settings, socket_app(settings, told)) as url:
        client = await connect(_auth(member), url=url)
        await client.emit("test:wait", {"text": "for ever"})
        await asyncio.sleep(0.05)
        assert (await _say(client, "test:say", "it is being done"))["ok"]
