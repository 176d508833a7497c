"""Whatever a client sends as audio, nobody else waits for it longer than 50 ms."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from typing import Any

import pytest

from copilot.voice import holding
from core.models.speech.activity import open_detector
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.conftest import Connect
from tests.api.voice.sessions import voice_session
from tests.api.voice.test_audio import PATH, Talk
from tests.api.voice.test_stream import calling
from tests.voices import FakeVoice, silence, tone
from tests.watchdog import watching

LONGEST = 0.05
# No long lists: the test's own client walks through them in Python, in this same loop.
OVERSIZED: tuple[Any, ...] = (
    bytes(950_000),
    "A" * 990_000,
    base64.b64encode(bytes(700_000)).decode(),
)


async def _talk(member: Member, connect: Connect) -> Talk:
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    talk = Talk(await connect(made["token"]), made["id"])
    assert (await talk.ask("start"))["ok"]
    return talk


def test_it_sees_what_holds_the_loop() -> None:
    async def hold() -> None:
        until = time.thread_time() + 0.06
        while time.thread_time() < until:
            pass

    with watching() as dog:
        asyncio.run(hold())
    assert dog.longest >= 0.06


@pytest.mark.slow
async def test_oversized_odd_and_unordered_chunks_hold_up_nobody(
    member: Member, connect: Connect, with_voice: FakeVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "open_detector", open_detector)  # the real one, as it is used
    talk, chance = await _talk(member, connect), random.Random(5)
    with watching() as dog:
        for data in OVERSIZED:
            assert (await talk.ask("chunk", data=data))["error"]["code"] in (
                *("PAYLOAD_TOO_LARGE", "VALIDATION_ERROR"),
            )
        for size in (1, 3, 31_999):
            odd = await talk.ask("chunk", data=bytes(size))
            assert odd["error"]["code"] == "VALIDATION_ERROR"
        order = list(range(40))
        chance.shuffle(order)
        for seq in order:
            await talk.ask("chunk", data=tone(0.2), seq=seq)
    assert dog.callbacks > 500
    assert dog.longest <= LONGEST, dog.what


@pytest.mark.slow
async def test_a_flood_holds_up_nobody(
    member: Member, connect: Connect, with_voice: FakeVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "open_detector", open_detector)
    talk = await _talk(member, connect)
    gone = asyncio.Event()
    talk.client.on("disconnect", lambda *_: gone.set())
    with watching() as dog:
        for number in range(3000):
            if not talk.client.connected:
                break
            second = {"sessionId": talk.session_id, "data": silence(1), "seq": number}
            await talk.client.emit("audio:chunk", second)
        await asyncio.wait_for(gone.wait(), 120)
    assert dog.longest <= LONGEST, dog.what


@pytest.mark.slow
async def test_a_calls_flood_holds_up_nobody(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await voice_session(member, services, channel="twilio", external_id="CA1")
    payload = base64.b64encode(bytes([0xFF]) * 8000).decode()
    with watching() as dog:
        async with calling(api_url) as call:
            await call.start(session_id)
            for _ in range(200):
                await call.send({"event": "media", "media": {"payload": payload}})
            assert await call.closed() == 1008
        async with calling(api_url) as call:
            await call.send("[" * 900_000)
            assert await call.closed() in (1008, 1009)
    assert dog.longest <= LONGEST, dog.what
