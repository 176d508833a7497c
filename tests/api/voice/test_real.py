"""With the models of ``make voice-models``: one voice asks, the service answers, another hears."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from copilot.voice import holding
from core.config import Settings
from core.models.speech.door import Speech, open_speech
from core.models.speech.files import has_local_listener, has_local_speaker
from core.models.speech.rates import Resampler
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.conftest import Connect
from tests.api.voice.test_audio import PATH, Talk
from tests.bases import write_base

TEXT = "The slipway is closed on Mondays. The crane is inspected every spring."
QUESTION = "When is the slipway closed, please?"


@pytest.fixture
def speech(settings: Settings) -> Speech:
    if not has_local_listener(settings) or not has_local_speaker():
        pytest.skip("no models that listen and speak: run make voice-models")
    return open_speech(settings, "local", None)


@pytest.mark.slow
async def test_a_question_about_a_document_is_answered_aloud(
    speech: Speech, member: Member, services: Services, connect: Connect
) -> None:
    await write_base(services.store, member.workspace_id, TEXT)
    asked = Resampler(24_000, 16_000).feed(await speech.speaker.speak(QUESTION, None), is_last=True)
    await speech.listener.transcribe(asked, "en")  # loaded, as after the first call
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    talk = Talk(await connect(made["token"]), made["id"])
    assert (await talk.ask("start"))["ok"]
    pcm = asked + bytes(32_000)
    for at in range(0, len(pcm), 3200):  # as fast as it is said
        await talk.ask("chunk", data=pcm[at : at + 3200])
        await asyncio.sleep(0.09)
    began = time.monotonic()
    await talk.until("response", final=True)
    heard = b"".join(told["audio"] for told in talk.of("response"))
    answer = Resampler(24_000, 16_000).feed(heard, is_last=True)
    text = await speech.listener.transcribe(answer, "en")
    assert "monday" in text.lower(), text
    shown = (await member.program.get(f"{PATH}/{made['id']}")).json()
    assert "slipway" in shown["transcript"][0]["text"].lower()
    print(shown["transcript"], shown["latencyMs"], round(time.monotonic() - began, 2))
    await holding.stop_all()


@pytest.mark.slow
async def test_who_speaks_silences_the_answer(
    speech: Speech, member: Member, services: Services, connect: Connect
) -> None:
    greeting = "Welcome to the harbour. " * 8
    await member.browser.post("/api/voice/config", json={"greeting": greeting.strip()})
    spoken = await speech.speaker.speak(QUESTION, None)
    asked = Resampler(24_000, 16_000).feed(spoken, is_last=True)
    loud = np.flatnonzero(np.abs(np.frombuffer(asked, dtype="<i2").astype(int)) > 1000)[0]
    asked = asked[2 * int(loud) :]  # from the first sound on
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    talk = Talk(await connect(made["token"]), made["id"])
    assert (await talk.ask("start"))["ok"]
    await talk.until("response")
    began = time.monotonic()
    for at in range(0, len(asked), 1280):  # 40 ms, as fast as it is said
        await talk.client.emit(
            "audio:chunk", {"sessionId": made["id"], "data": asked[at : at + 1280]}
        )
        if talk.of("interrupted"):
            break
        await asyncio.sleep(max(0.0, began + (at + 1280) / 32_000 - time.monotonic()))
    await talk.until("interrupted")
    print("silenced", round((time.monotonic() - began) * 1000), "ms after the first sound")
    told = len(talk.of("response"))
    await asyncio.sleep(0.5)
    assert len(talk.of("response")) == told
    await holding.stop_all()
