"""A conversation over real sockets; only what listens and speaks is a stand-in."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import httpx
import pytest
import socketio

from core.services import Services
from core.store.base import now
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.api.voice.conftest import Connect
from tests.api.voice.sessions import row_of, voice_session
from tests.bases import write_base
from tests.pipelines.shapes import block, definition
from tests.voices import FakeVoice, silence, tone

PATH = "/api/voice/session"
TEXT = "The slipway is closed on Mondays. The crane is closed on Sundays."
UTTERANCE = silence(0.3) + tone(0.8) + silence(0.8)


class Talk:
    """A client in one session, and all that it was told."""

    def __init__(self, client: socketio.AsyncClient, session_id: str) -> None:
        self.client, self.session_id = client, session_id
        self.told: list[tuple[str, dict[str, Any]]] = []
        for name in ("transcript", "response", "interrupted", "error"):
            client.on(f"audio:{name}", self._note(name))

    def _note(self, name: str) -> Any:
        return lambda data: self.told.append((name, data))

    async def ask(self, event: str, **more: Any) -> dict[str, Any]:
        data = {"sessionId": self.session_id, **more}
        answer: dict[str, Any] = await self.client.call(f"audio:{event}", data, timeout=60)
        return answer

    async def say(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), 6400):
            answer = await self.ask("chunk", data=pcm[at : at + 6400])
            assert answer["ok"], answer

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for kind, data in self.told if kind == name]

    async def until(self, name: str, count: int = 1, **wanted: Any) -> dict[str, Any]:
        """Wait for the ``count``-th thing told that has the wanted fields."""
        async with asyncio.timeout(90):
            while True:
                found = [d for d in self.of(name) if wanted.items() <= d.items()]
                if len(found) >= count:
                    return found[count - 1]
                await asyncio.sleep(0.01)


async def _begin(member: Member, connect: Connect, **body: Any) -> Talk:
    made = await member.program.post(PATH, json={"channel": "web", **body})
    assert made.status_code == 201, made.text
    talk = Talk(await connect(made.json()["token"]), made.json()["id"])
    started = await talk.ask("start")
    assert started["ok"], started
    return talk


@pytest.fixture
async def base(member: Member, services: Services) -> str:
    return await write_base(services.store, member.workspace_id, TEXT)


async def _with_answer(member: Member, talk: Talk) -> dict[str, Any]:
    """Return the session once an answer is in its transcript, where it comes after the sound."""
    async with asyncio.timeout(30):
        while True:
            shown: dict[str, Any] = (await member.program.get(f"{PATH}/{talk.session_id}")).json()
            if any(line["role"] == "assistant" for line in shown["transcript"]):
                return shown
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("base")
async def test_a_spoken_question_gets_a_spoken_answer(
    member: Member, connect: Connect, with_voice: FakeVoice, services: Services
) -> None:
    with_voice.hears = ["When is the slipway closed?"]
    talk = await _begin(member, connect)
    await talk.say(UTTERANCE)
    last = await talk.until("response", final=True)
    assert last["audio"] == b""
    first = talk.of("response")[0]
    assert first["format"] == {"encoding": "pcm16", "sampleRate": 24000, "channels": 1}
    assert len(first["audio"]) == 2 * round(0.2 * 24_000)
    assert "slipway is closed on Mondays" in with_voice.said[0]
    assert "[" not in " ".join(with_voice.said)
    seqs = [told["seq"] for told in talk.of("response")]
    assert seqs == sorted(set(seqs))
    spoken = [(t["role"], t["final"]) for t in talk.of("transcript")]
    assert spoken[0] == ("user", True)
    assert spoken[-1] == ("assistant", True)
    shown = await _with_answer(member, talk)
    assert [line["role"] for line in shown["transcript"]] == ["user", "assistant"]
    assert shown["transcript"][0]["text"] == "When is the slipway closed?"
    assert {"transcription", "firstText", "firstAudio"} <= shown["latencyMs"].keys()
    assert shown["status"] == "active"
    chat = await member.program.get("/api/copilot/history", params={"chatId": shown["chatId"]})
    asked, answered = chat.json()["data"]
    assert [asked["role"], answered["role"]] == ["user", "assistant"]
    assert answered["notice"]["message"] not in " ".join(with_voice.said)
    assert answered["notice"]["message"] not in shown["transcript"][1]["text"]


@pytest.mark.usefixtures("base")
async def test_the_first_sound_is_measured_not_the_whole_sentence(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.hears, with_voice.seconds = ["When is the slipway closed?"], 60.0
    talk = await _begin(member, connect)
    assert with_voice.loads == 2  # what listens and what speaks, before anything is said
    await talk.say(UTTERANCE)
    await talk.until("response", 8)  # as far ahead as it goes; then it waits
    await talk.say(tone(0.2))
    await talk.until("interrupted")
    shown = (await member.program.get(f"{PATH}/{talk.session_id}")).json()
    assert shown["latencyMs"]["firstText"] <= shown["latencyMs"]["firstAudio"] < 4_000
    kinds = [name for name, _ in talk.told]
    assert kinds.index("transcript") < kinds.index("response")


@pytest.mark.usefixtures("base")
async def test_who_speaks_interrupts_the_answer(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.hears, with_voice.seconds = ["When is the slipway closed?"], 30.0
    talk = await _begin(member, connect)
    await talk.say(UTTERANCE)
    await talk.until("response")
    began = time.monotonic()
    await talk.ask("chunk", data=tone(0.2))
    await talk.until("interrupted")
    assert time.monotonic() - began < 10  # at once, not when the answer's 30 s are over
    told = len(talk.told)
    await asyncio.sleep(0.3)
    assert [kind for kind, _ in talk.told[told:] if kind == "response"] == []
    lines = (await _with_answer(member, talk))["transcript"]
    assert [line["interrupted"] for line in lines if line["role"] == "assistant"] == [True]
    # What is said then is answered in the same chat.
    with_voice.seconds = 0.1
    await talk.say(tone(0.5) + silence(0.8))
    await talk.until("response", final=True)


async def test_a_pause_in_the_middle_loses_nothing(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.delay = 1.0  # the second half begins before the first was understood
    talk = await _begin(member, connect)
    await talk.say(tone(0.6) + silence(0.6))
    await talk.say(tone(0.6) + silence(0.8))
    async with asyncio.timeout(10):
        while not with_voice.heard:
            await asyncio.sleep(0.02)
    assert with_voice.heard[-1] > 2.0


async def test_the_end_of_audio_is_the_end_of_the_turn(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.hears = ["Hello?"]
    await member.browser.post("/api/voice/config", json={"turnDetection": {"type": "none"}})
    talk = await _begin(member, connect)
    await talk.say(tone(0.5) + silence(2))
    assert not talk.of("transcript")
    assert (await talk.ask("end"))["ok"]
    assert (await talk.until("transcript", role="user"))["text"] == "Hello?"


async def test_the_greeting_is_said_first_and_shown(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    await member.browser.post("/api/voice/config", json={"greeting": "Hello. How can I help?"})
    talk = await _begin(member, connect)
    await talk.until("response", final=True)
    assert with_voice.said == ["Hello.", "How can I help?"]
    shown = await talk.until("transcript", final=True)
    assert (shown["role"], shown["text"]) == ("assistant", "Hello. How can I help?")


async def test_a_greeting_that_was_interrupted_is_remembered(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.seconds = 30.0
    await member.browser.post("/api/voice/config", json={"greeting": "Hello."})
    talk = await _begin(member, connect)
    await talk.until("response")
    await talk.ask("chunk", data=tone(0.2))
    await talk.until("interrupted")
    (line,) = (await _with_answer(member, talk))["transcript"]
    assert (line["text"], line["interrupted"]) == ("Hello.", True)


async def test_a_workflow_answers(member: Member, connect: Connect, with_voice: FakeVoice) -> None:
    with_voice.hears = ["Anna"]
    steps = definition([block("t", template="Hello <start.message>.")], "s>t")
    workflow = (await member.program.post("/api/workflows", json={"name": "w", **steps})).json()
    await member.program.post(f"/api/workflows/{workflow['id']}/deploy")
    talk = await _begin(member, connect, workflowId=workflow["id"])
    await talk.say(UTTERANCE)
    await talk.until("response", final=True)
    assert with_voice.said == ["Hello Anna."]
    runs = (await member.program.get("/api/logs", params={"trigger": "voice"})).json()["data"]
    assert len(runs) == 1


async def test_what_goes_wrong_is_told_and_the_conversation_goes_on(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.hears = ["Anna"]
    workflow = (await member.program.post("/api/workflows", json={"name": "w"})).json()["id"]
    talk = await _begin(member, connect, workflowId=workflow)
    await talk.say(UTTERANCE)
    assert (await talk.until("error"))["code"] == "CONFLICT"  # it was never deployed
    await talk.say(UTTERANCE)
    await talk.until("error", 2)


async def test_nothing_said_is_not_answered(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    talk = await _begin(member, connect)
    await talk.say(UTTERANCE)
    async with asyncio.timeout(10):
        while not with_voice.heard:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert talk.told == []


async def test_hanging_up_ends_the_session(
    member: Member, connect: Connect, with_voice: FakeVoice, services: Services
) -> None:
    talk = await _begin(member, connect)
    await talk.client.disconnect()
    async with asyncio.timeout(5):
        while (await row_of(member, services, talk.session_id)).status != "ended":
            await asyncio.sleep(0.02)
    assert (await row_of(member, services, talk.session_id)).end_reason == "hangup"


async def test_a_session_ended_elsewhere_stops_here(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    talk = await _begin(member, connect)
    await member.program.delete(f"{PATH}/{talk.session_id}")
    assert "(closed)" in (await talk.until("error", code="SESSION_ENDED"))["message"]
    refused = await talk.ask("chunk", data=tone(0.1))
    assert refused["error"]["code"] == "CONFLICT"
    assert (await talk.ask("start"))["error"]["code"] == "CONFLICT"


async def test_a_session_ends_at_its_limit(
    member: Member, connect: Connect, with_voice: FakeVoice, services: Services
) -> None:
    talk = await _begin(member, connect)
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.voice_sessions.get(talk.session_id)
        assert row is not None
        row.expires_at = now()
    assert "(limit)" in (await talk.until("error", code="SESSION_ENDED"))["message"]
    assert (await row_of(member, services, talk.session_id)).end_reason == "limit"


async def test_a_session_is_talked_on_once(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    talk = await _begin(member, connect)
    assert (await talk.ask("start"))["error"]["code"] == "CONFLICT"
    other = Talk(await connect(member.program.headers["x-api-key"]), talk.session_id)
    assert (await other.ask("start"))["error"]["code"] == "CONFLICT"
    assert (await other.ask("chunk", data=tone(0.1)))["error"]["code"] == "CONFLICT"


async def test_odd_audio_is_refused_and_does_no_harm(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    talk = await _begin(member, connect)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"data": b"\x00" * 33_000}, "PAYLOAD_TOO_LARGE"),
        ({"data": b"\x00" * 3}, "VALIDATION_ERROR"),
        ({"data": "not base64!"}, "VALIDATION_ERROR"),
        ({"data": 5}, "VALIDATION_ERROR"),
        ({}, "VALIDATION_ERROR"),
        ({"data": b"", "seq": -1}, "VALIDATION_ERROR"),
        ({"data": b"", "more": 1}, "VALIDATION_ERROR"),
    ]
    for more, code in cases:
        assert (await talk.ask("chunk", **more))["error"]["code"] == code, more
    assert (await talk.ask("chunk", data=b""))["ok"]
    text = base64.b64encode(tone(0.1)).decode()
    assert (await talk.ask("chunk", data=text, seq=5))["ok"]
    for late in (5, 4):
        assert (await talk.ask("chunk", data=text, seq=late))["error"]["code"] == "VALIDATION_ERROR"
    assert (await talk.ask("chunk", data=text, seq=6))["ok"]


async def test_more_audio_than_time_is_slowed_and_the_loop_goes_on(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    talk = await _begin(member, connect)
    longest, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not stop.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - began - 0.005)

    watching = asyncio.create_task(watch())
    answers = [await talk.ask("chunk", data=silence(1)) for _ in range(40)]
    stop.set()
    await watching
    refused = [a["error"] for a in answers if not a["ok"]]
    assert 0 < len(refused) < 32  # the more, the faster this machine
    assert {(e["code"], e["retryable"]) for e in refused} == {("RATE_LIMITED", True)}
    assert longest < 2  # generous: client, server and test are one process on a busy machine


async def test_only_its_owner_talks_in_a_session(
    member: Member,
    stranger: Member,
    connect: Connect,
    with_voice: FakeVoice,
    services: Services,
) -> None:
    session_id = await voice_session(member, services)
    other = Talk(await connect(stranger.program.headers["x-api-key"]), session_id)
    assert (await other.ask("start"))["error"]["code"] == "NOT_FOUND"
    await join_workspace(member, stranger, "admin")
    ticket = (await stranger.browser.post("/api/auth/socket-token")).json()["token"]
    colleague = Talk(await connect(ticket), session_id)
    refused = await colleague.ask("start", workspaceId=member.workspace_id)
    assert refused["error"]["code"] == "NOT_FOUND"


async def test_a_sessions_token_is_for_that_session_alone(
    member: Member, connect: Connect, with_voice: FakeVoice, services: Services
) -> None:
    talk = await _begin(member, connect)
    another = Talk(talk.client, await voice_session(member, services))
    assert (await another.ask("start"))["error"]["code"] == "NOT_FOUND"
    await member.program.delete(f"{PATH}/{talk.session_id}")


async def test_the_tokens_of_ended_sessions_open_nothing(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    await member.program.delete(f"{PATH}/{made['id']}")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(made["token"])


async def test_without_models_audio_does_not_start(
    member: Member,
    connect: Connect,
    without_voice: None,
    services: Services,
    anonymous: httpx.AsyncClient,
) -> None:
    session_id = await voice_session(member, services)
    talk = Talk(await connect(member.program.headers["x-api-key"]), session_id)
    refused = (await talk.ask("start"))["error"]
    assert (refused["code"], refused["retryable"]) == ("SERVICE_UNAVAILABLE", True)
    assert "make voice-models" in refused["message"]
    assert (await talk.ask("start", format={"encoding": "mulaw", "sampleRate": 8000}))["error"][
        "code"
    ] == "VALIDATION_ERROR"
