"""Speech behind an API, spoken to in OpenAI's wire format, which the stand-in checks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.errors import UpstreamError
from core.models.speech.hosted import HostedListener, HostedSpeaker
from tests.openai_speech import KEY, PCM, answer_as_openai, refuse
from tests.stand_in import Says, StandIn, standing_in


@pytest.fixture
async def openai() -> AsyncIterator[StandIn]:
    async with standing_in() as server:
        server.answer = answer_as_openai
        yield server


def _doors(
    server: StandIn, key: str = KEY, seconds: float = 20
) -> tuple[HostedListener, HostedSpeaker]:
    secret, url = SecretStr(key), f"{server.url}/v1"
    return (
        HostedListener("openai/whisper-1", secret, url, seconds),
        HostedSpeaker("openai/tts-1", secret, url, seconds),
    )


async def test_it_listens_and_speaks_in_the_true_format(openai: StandIn) -> None:
    listener, speaker = _doors(openai)
    assert await listener.transcribe(PCM, "en-US") == "Hello there."
    assert await speaker.speak("Hello.", None) == PCM
    assert await speaker.speak("Hello.", "nova") == PCM


async def test_arefuse_key_is_said_without_the_key(openai: StandIn) -> None:
    listener, speaker = _doors(openai, "sk-wrong")
    with pytest.raises(UpstreamError, match="NUXA_SPEECH_API_KEY") as caught:
        await listener.transcribe(PCM, "en")
    assert "sk-wrong" not in str(caught.value)
    with pytest.raises(UpstreamError, match="openai/tts-1"):
        await speaker.speak("Hello.", None)


async def test_a_model_that_hangs_is_left_and_told(openai: StandIn) -> None:
    openai.answer = lambda _: Says(raw=b"", hangs=True)
    listener, _ = _doors(openai, seconds=0.3)
    with pytest.raises(UpstreamError, match="said nothing"):
        await listener.transcribe(PCM, "en")


async def test_a_server_that_fails_is_asked_once(openai: StandIn) -> None:
    openai.answer = lambda _: refuse(500, "failed")
    _, speaker = _doors(openai)
    with pytest.raises(UpstreamError):
        await speaker.speak("Hello.", None)
    assert len(openai.asked) == 1
