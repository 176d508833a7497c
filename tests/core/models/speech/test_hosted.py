"""Speech behind an API, spoken to in OpenAI's wire format, which the stand-in checks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.errors import UpstreamError
from core.models.speech.hosted import HostedListener, HostedSpeaker
from tests.stand_in import Asked, Says, StandIn, standing_in

KEY = "sk-speech-0123456789"
PCM = b"\x01\x00" * 8000


def _refused(status: int, message: str) -> Says:
    return Says.json({"error": {"message": message, "type": "invalid_request_error"}}, status)


def _as_openai(asked: Asked) -> Says:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return _refused(401, "Incorrect API key provided")
    if asked.method != "POST":
        return _refused(405, "POST only")
    if asked.path == "/v1/audio/transcriptions":
        return _transcribed(asked)
    if asked.path == "/v1/audio/speech":
        return _spoken(asked)
    return _refused(404, "Unknown request URL")


def _transcribed(asked: Asked) -> Says:
    fields = _multipart(asked)
    if fields.get("model") != b"whisper-1" or not fields.get("file", b"").startswith(b"RIFF"):
        return _refused(400, "model and file are required")
    if fields.get("language") not in (None, b"en") or fields.get("response_format") != b"json":
        return _refused(400, "language is ISO-639-1, response_format json")
    return Says.json({"text": " Hello there. "})


def _spoken(asked: Asked) -> Says:
    body = asked.json()
    if body.get("model") != "tts-1" or body.get("response_format") != "pcm":
        return _refused(400, "model and response_format")
    if body.get("voice") not in ("alloy", "nova") or not 0 < len(body.get("input", "")) <= 4096:
        return _refused(400, "voice and input")
    return Says(headers={"Content-Type": "audio/pcm"}, body=PCM + b"\x01")


def _multipart(asked: Asked) -> dict[str, bytes]:
    boundary = asked.headers["content-type"].split("boundary=")[1].strip('"').encode()
    found = {}
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = head.split(b'name="')[1].split(b'"')[0].decode()
        found[name] = content.removesuffix(b"\r\n")
    return found


@pytest.fixture
async def openai() -> AsyncIterator[StandIn]:
    async with standing_in() as server:
        server.answer = _as_openai
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


async def test_a_refused_key_is_said_without_the_key(openai: StandIn) -> None:
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
    openai.answer = lambda _: _refused(500, "failed")
    _, speaker = _doors(openai)
    with pytest.raises(UpstreamError):
        await speaker.speak("Hello.", None)
    assert len(openai.asked) == 1
