"""A conversation with hosted speech models on a machine that has no local ones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from copilot.voice import holding
from core.config import Settings
from core.models.speech import files
from core.services import Services
from tests.api.conftest import Member
from tests.api.voice.conftest import Connect
from tests.api.voice.test_audio import PATH, UTTERANCE, Talk
from tests.openai_speech import KEY, PCM, answer_as_openai
from tests.stand_in import StandIn, standing_in
from tests.voices import LoudnessDetector


@pytest.fixture
async def openai(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """An OpenAI-compatible speech server that the service is set up with; nothing is local."""
    monkeypatch.setattr(files, "roots", lambda _: ())
    monkeypatch.setattr(files, "find_spec", lambda _: None)

    async def open_detector() -> LoudnessDetector:
        return LoudnessDetector()  # a tone is speech

    monkeypatch.setattr(holding, "open_detector", open_detector)
    async with standing_in() as server:
        server.answer = answer_as_openai
        monkeypatch.setattr(settings, "speech_to_text_model", "openai/whisper-1")
        monkeypatch.setattr(settings, "text_to_speech_model", "openai/tts-1")
        monkeypatch.setattr(settings, "speech_base_url", f"{server.url}/v1")
        monkeypatch.setattr(settings, "speech_api_key", SecretStr(KEY))
        yield server
        await holding.stop_all()


async def test_voice_session_with_hosted_models_listens_and_speaks(
    openai: StandIn, member: Member, services: Services, connect: Connect
) -> None:
    made = await member.program.post(PATH, json={"channel": "web"})
    assert made.status_code == 201, made.text
    talk = Talk(await connect(made.json()["token"]), made.json()["id"])
    assert (await talk.ask("start"))["ok"]
    await talk.say(UTTERANCE)
    heard = await talk.until("transcript", role="user", final=True)
    assert heard["text"] == "Hello there."
    await talk.until("response", final=True)
    sound = b"".join(part["audio"] for part in talk.of("response"))
    assert sound.startswith(PCM)
    assert {asked.path for asked in openai.asked} == {
        "/v1/audio/transcriptions",
        "/v1/audio/speech",
    }
