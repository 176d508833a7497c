"""Speech models behind an API, by litellm."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from core.errors import UpstreamError
from core.models import failures
from core.models.providers import litellm_module
from core.models.speech.pcm import LISTENING_RATE, wav_of

_VOICE: Final = "alloy"  # where the workspace has chosen none


@dataclass(frozen=True)
class HostedListener:
    """A model that is sent a WAV file and answers with text."""

    model: str
    key: SecretStr | None
    base_url: str | None
    seconds: float

    async def transcribe(self, pcm: bytes, language: str) -> str:
        litellm = await litellm_module()
        arguments = {
            "model": self.model,
            "file": ("speech.wav", wav_of(pcm, LISTENING_RATE), "audio/wav"),
            "language": language.partition("-")[0],
            "response_format": "json",
            **_connection(self),
        }
        answer = await _asked(litellm.atranscription(**arguments), self)
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise UpstreamError(f"The speech model {self.model} answered no text.")
        return text.strip()


@dataclass(frozen=True)
class HostedSpeaker:
    """A model that is sent text and answers with samples at 24 kHz (OpenAI's format ``pcm``)."""

    model: str
    key: SecretStr | None
    base_url: str | None
    seconds: float

    async def speak(self, text: str, voice: str | None) -> bytes:
        litellm = await litellm_module()
        arguments = {
            "model": self.model,
            "input": text,
            "voice": voice or _VOICE,
            "response_format": "pcm",
            **_connection(self),
        }
        answer = await _asked(litellm.aspeech(**arguments), self)
        pcm: bytes = answer.content
        return pcm[: len(pcm) // 2 * 2]


def _connection(door: HostedListener | HostedSpeaker) -> dict[str, Any]:
    given = {
        "api_key": door.key.get_secret_value() if door.key else None,
        "api_base": door.base_url,
        "timeout": door.seconds + 1,  # ours comes first, with its sentence
        "max_retries": 0,
    }
    return {name: value for name, value in given.items() if value is not None}


async def _asked(call: Any, door: HostedListener | HostedSpeaker) -> Any:
    try:
        async with asyncio.timeout(door.seconds):
            return await call
    except TimeoutError:
        raise UpstreamError(
            f"The speech model {door.model} said nothing for {door.seconds:g} s. Try again, or "
            "raise NUXA_SPEECH_TIMEOUT_SECONDS."
        ) from None
    except failures.raised_by_litellm() as error:
        details = {"model": door.model, "reason": type(error).__name__}
        raise UpstreamError(
            f"The speech model {door.model} failed. Check its name, NUXA_SPEECH_BASE_URL, and the "
            "key: NUXA_SPEECH_API_KEY, or the workspace's own.",
            details,
        ) from error
