"""A simulated call: a client that speaks Twilio's Media Streams, mu-law and all."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed

from core.models.speech.pcm import from_mulaw, to_mulaw
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.sessions import row_of, voice_session
from tests.bases import write_base
from tests.voices import FakeVoice, silence, tone

TEXT = "The slipway is closed on Mondays. The crane is closed on Sundays."
FRAME = 160  # 20 ms, as Twilio sends it


class Call:
    """Twilio's side of a stream."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.told = socket, list[dict[str, Any]]()
        self._count = 0
        self._reading = asyncio.create_task(self._read())

    async def start(self, token: str | None, call_sid: str = "CA1") -> None:
        await self.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": token} if token else {},
        }
        await self.send({"event": "start", "start": start, "streamSid": "MZ1"})

    async def say(self, pcm: bytes) -> None:
        """Send 16-bit samples at 8 kHz."""
        coded = to_mulaw(pcm)
        for at in range(0, len(coded), FRAME):
            payload = base64.b64encode(coded[at : at + FRAME]).decode()
            media = {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": payload}
            await self.send({"event": "media", "media": media, "streamSid": "MZ1"})

    async def send(self, message: object) -> None:
        self._count += 1
        if isinstance(message, dict):
            message = {**message, "sequenceNumber": str(self._count)}
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [told for told in self.told if told["event"] == event]

    async def until(self, event: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while len(self.of(event)) < count:
                await asyncio.sleep(0.01)
        return self.of(event)[count - 1]

    async def closed(self) -> int | None:
        async with asyncio.timeout(90):
            await self._reading
        return self.socket.close_code

    async def _read(self) -> None:
        try:
            while True:
                self.told.append(json.loads(await self.socket.recv()))
        except ConnectionClosed:
            return


@asynccontextmanager
async def calling(api_url: str) -> AsyncIterator[Call]:
    url = f"{api_url.replace('http', 'ws')}/api/voice/stream"
    async with connect_websocket(url, proxy=None) as socket:
        yield Call(socket)


async def _waiting(member: Member, services: Services, call_sid: str | None = "CA1") -> str:
    return await voice_session(member, services, channel="twilio", external_id=call_sid)


async def test_a_call_is_a_whole_dialogue(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    await write_base(services.store, member.workspace_id, TEXT)
    with_voice.hears = ["When is the slipway closed?", "When is the crane closed?"]
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(silence(0.3, 8000) + tone(0.8, 8000) + silence(0.8, 8000))
        await call.until("mark")
        first = call.of("media")[0]
        assert first["streamSid"] == "MZ1"
        sound = b"".join(base64.b64decode(m["media"]["payload"]) for m in call.of("media"))
        assert len(sound) >= 0.2 * 8000 * len(with_voice.said) * 0.95
        assert max(from_mulaw(sound[100:200])) > 0
        await call.say(tone(0.8, 8000) + silence(0.8, 8000))
        await call.until("mark", 2)
        await call.send({"event": "mark", "mark": {"name": "1"}, "streamSid": "MZ1"})
        await call.send({"event": "dtmf", "dtmf": {"digit": "1"}, "streamSid": "MZ1"})
        await call.send({"event": "stop", "stop": {"callSid": "CA1"}, "streamSid": "MZ1"})
        assert await call.closed() == 1000
    row = await row_of(member, services, session_id)
    assert (row.status, row.end_reason) == ("ended", "hangup")
    assert [line["role"] for line in row.transcript] == ["user", "assistant"] * 2
    assert "Mondays" in with_voice.said[0]


async def test_who_speaks_clears_what_was_sent(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    await write_base(services.store, member.workspace_id, TEXT)
    with_voice.hears, with_voice.seconds = ["When is the slipway closed?"], 20.0
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(tone(0.8, 8000) + silence(0.8, 8000))
        await call.until("media")
        await call.say(tone(0.3, 8000))
        assert await call.until("clear") == {"streamSid": "MZ1", "event": "clear"}
        assert not call.of("mark")


async def test_the_hash_key_ends_what_is_said(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(tone(0.5, 8000))
        await call.send({"event": "dtmf", "dtmf": {"digit": "#"}, "streamSid": "MZ1"})
        async with asyncio.timeout(5):
            while not with_voice.heard:
                await asyncio.sleep(0.02)


async def test_a_line_that_breaks_ends_the_session(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(tone(0.1, 8000))
    async with asyncio.timeout(5):
        while (await row_of(member, services, session_id)).status != "ended":
            await asyncio.sleep(0.02)
    assert (await row_of(member, services, session_id)).end_reason == "hangup"


async def test_a_session_that_is_ended_hangs_up(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(tone(0.1, 8000))
        await member.program.delete(f"/api/voice/session/{session_id}")
        assert await call.closed() == 1000
    assert (await row_of(member, services, session_id)).end_reason == "closed"


@pytest.mark.parametrize("wrong", ["none", "made up", "another call", "web", "used"])
async def test_a_stream_without_its_sessions_token_is_refused(
    wrong: str, member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    token: str | None = {"none": None, "made up": "vst_made_up"}.get(wrong, session_id)
    if wrong == "web":
        token = await voice_session(member, services)
    if wrong == "used":
        async with services.store.unit(member.workspace_id) as unit:
            await unit.voice_sessions.end(session_id, "hangup")
    async with calling(api_url) as call:
        await call.start(token, "CA2" if wrong == "another call" else "CA1")
        assert await call.closed() == 1008
    assert with_voice.heard == []
    if wrong != "used":
        assert (await row_of(member, services, session_id)).status == "waiting"


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        "[" * 30_000,
        {"event": "media"},
        {"event": "media", "media": {"payload": "no base64!"}},
        {"event": "media", "media": {"payload": base64.b64encode(bytes(9000)).decode()}},
        {"event": "media", "media": {"payload": 5}},
        "x" * 70_000,
    ],
)
async def test_what_is_no_message_of_twilios_ends_the_call(
    message: object, member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.send(message)
        assert await call.closed() == 1008
    assert (await row_of(member, services, session_id)).status == "ended"


async def test_what_does_not_begin_as_a_stream_is_refused(api_url: str) -> None:
    for first in ({"event": "media"}, "hello", {"event": 5}):
        async with calling(api_url) as call:
            await call.send(first)
            assert await call.closed() == 1008


async def test_more_audio_than_time_ends_the_call(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    session_id = await _waiting(member, services)
    async with calling(api_url) as call:
        await call.start(session_id)
        payload = base64.b64encode(bytes([0xFF]) * 8000).decode()
        for _ in range(14):
            await call.send({"event": "media", "media": {"payload": payload}})
        assert await call.closed() == 1008
