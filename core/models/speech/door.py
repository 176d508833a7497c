"""The doors to speech models, whichever is behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import SecretStr

from core.config import Settings
from core.errors import ServiceUnavailable, ValidationFailed
from core.models.speech.files import has_local_listener, has_local_speaker
from core.models.speech.hosted import HostedListener, HostedSpeaker
from core.models.speech.providers import LOCAL

_LOCAL_MODEL: Final = f"{LOCAL}/"
_LOCAL_VOICES: Final = ("heart",)  # those that come with the package
# What is asked of a provider that a workspace chose: listens, speaks.
_HOSTED: Final = {"openai": ("openai/gpt-4o-mini-transcribe", "openai/gpt-4o-mini-tts")}


class Listener(Protocol):
    async def load(self) -> None:
        """Make ready what the first use would wait for."""
        ...

    async def transcribe(self, pcm: bytes, language: str) -> str:
        """Return what is said in 16-bit samples at 16 kHz, empty where nothing is."""
        ...


class Speaker(Protocol):
    async def load(self) -> None:
        """Make ready what the first use would wait for."""
        ...

    async def speak(self, text: str, voice: str | None) -> bytes:
        """Return a sentence as 16-bit samples at 24 kHz."""
        ...


@dataclass(frozen=True)
class Speech:
    listener: Listener
    speaker: Speaker


class NoVoice(ServiceUnavailable):
    """There is nothing here that could listen and speak."""

    retry_after = 3600


def require_speech(settings: Settings, provider: str) -> None:
    """Raise ``NoVoice`` where a workspace's sessions could not be answered."""
    listens, speaks = _models(settings, provider)
    if listens.startswith(_LOCAL_MODEL):
        _require_local("NUXA_SPEECH_TO_TEXT_MODEL", listens, has_local_listener(settings))
    if speaks.startswith(_LOCAL_MODEL):
        _require_local("NUXA_TEXT_TO_SPEECH_MODEL", speaks, has_local_speaker())


def require_listener(settings: Settings) -> None:
    """Raise ``NoVoice`` where the service's own models do not listen."""
    listens, _ = _models(settings, LOCAL)
    if listens.startswith(_LOCAL_MODEL):
        _require_local("NUXA_SPEECH_TO_TEXT_MODEL", listens, has_local_listener(settings))


def _require_local(setting: str, model: str, is_installed: bool) -> None:
    if not is_installed:
        raise NoVoice(
            f"The speech model {model} is not installed; run `make voice-models` and restart, "
            f"or set {setting} to a hosted model."
        )


def check_voice(settings: Settings, provider: str, language: str, voice: str | None) -> None:
    """Raise ``ValidationFailed`` for a voice or language that the local voice has not."""
    _, speaks = _models(settings, provider)
    if not speaks.startswith(_LOCAL_MODEL):
        return
    if not language.startswith("en"):
        raise ValidationFailed("The local voice speaks English only; choose another provider.")
    if voice not in (None, *_LOCAL_VOICES):
        raise ValidationFailed(f"The local voices are {', '.join(_LOCAL_VOICES)}; choose one.")


def open_speech(settings: Settings, provider: str, own_key: SecretStr | None) -> Speech:
    """Return the doors of a provider; models are loaded when they are first used."""
    from core.models.speech import local

    listens, speaks = _models(settings, provider)
    is_ours = provider == LOCAL
    key = settings.speech_api_key if is_ours else own_key
    url = settings.speech_base_url if is_ours else None
    seconds = settings.speech_timeout_seconds
    listener: Listener = (
        local.listener(settings)
        if listens.startswith(_LOCAL_MODEL)
        else HostedListener(listens, key, url, seconds)
    )
    speaker: Speaker = (
        local.speaker()
        if speaks.startswith(_LOCAL_MODEL)
        else HostedSpeaker(speaks, key, url, seconds)
    )
    return Speech(listener, speaker)


def _models(settings: Settings, provider: str) -> tuple[str, str]:
    if provider == LOCAL:
        return settings.speech_to_text_model, settings.text_to_speech_model
    return _HOSTED[provider]
