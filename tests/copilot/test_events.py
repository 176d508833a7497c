from __future__ import annotations

import asyncio
from typing import Any

import pytest

from copilot.events import TurnLog, log_name, written
from core.events import EventLogs
from core.ids import new_id
from core.services import Services
from core.store.messages import Message


class _SlowLogs(EventLogs):
    """Writes when it is let, and can be made to refuse."""

    def __init__(self, real: EventLogs) -> None:
        self._real = real
        self.gate = asyncio.Event()
        self.refuses = False

    async def append(self, log: str, data: dict[str, Any]) -> int:
        await self.gate.wait()
        if self.refuses:
            raise ConnectionError("gone")
        return await self._real.append(log, data)


def _message() -> Message:
    return Message(id=new_id("msg"), chat_id="chat_1", workspace_id="ws_1", role="assistant")


async def test_text_said_meanwhile_goes_out_together_and_in_order(services: Services) -> None:
    slow = _SlowLogs(services.events)
    log = TurnLog(slow, message := _message())
    for word in ("One ", "two ", "three."):
        await log.say(word)
    slow.gate.set()
    await log.flush()
    await log.send("done", {})
    events = await services.events.read(log_name(message), 0)
    texts = [event.data["payload"].get("delta") for event in events]
    assert texts == ["One ", "two three.", None]
    assert (await written(services.events, message)).content == "One two three."


async def test_what_could_not_be_written_is_raised(services: Services) -> None:
    slow = _SlowLogs(services.events)
    slow.refuses = True
    slow.gate.set()
    log = TurnLog(slow, _message())
    await log.say("One")
    with pytest.raises(ConnectionError):
        await log.flush()


async def test_what_readers_have_seen_is_what_a_broken_off_turn_keeps(services: Services) -> None:
    log = TurnLog(services.events, message := _message())
    call = {"toolCallId": "c", "name": "n", "arguments": {}}
    artifact = {"token": "t", "type": "svg", "title": "T", "url": "u"}
    await log.send("tool", {"phase": "call", **call, "status": "running", "output": None})
    await log.send("tool", {"phase": "result", **call, "status": "success", "output": 1})
    await log.send("artifact", artifact)
    await log.say("Half a")
    await log.flush()
    seen = await written(services.events, message)
    assert seen.content == "Half a"
    assert seen.tool_calls == [{**call, "status": "success", "output": 1}]
    assert seen.artifacts == [artifact]
