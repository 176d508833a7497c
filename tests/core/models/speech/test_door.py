"""Which models are behind the doors, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.errors import ValidationFailed
from core.models.speech import door, files
from core.models.speech.door import NoVoice, check_voice, open_speech, require_speech
from core.models.speech.hosted import HostedListener, HostedSpeaker


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type, call-arg]


def test_without_models_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "roots", lambda _: (tmp_path, tmp_path))
    monkeypatch.setattr(door, "has_packages", lambda: True)
    with pytest.raises(NoVoice, match="make voice-models"):
        require_speech(_settings(), "local")
    require_speech(_settings(speech_to_text_model="openai/whisper-1"), "local")
    monkeypatch.setattr(door, "has_packages", lambda: False)
    with pytest.raises(NoVoice, match="make voice-models"):
        require_speech(_settings(), "openai")


def test_the_operators_models_take_the_operators_key() -> None:
    settings = _settings(
        speech_to_text_model="openai/whisper-1",
        text_to_speech_model="openai/tts-1",
        speech_api_key="sk-operator",
        speech_base_url="http://127.0.0.1:1",
    )
    speech = open_speech(settings, "local", SecretStr("sk-workspace"))
    assert isinstance(speech.listener, HostedListener)
    assert speech.listener.key == SecretStr("sk-operator")
    assert speech.listener.base_url == "http://127.0.0.1:1"


def test_a_workspaces_provider_takes_its_own_key_and_no_address_of_the_operators() -> None:
    settings = _settings(speech_api_key="sk-operator", speech_base_url="http://127.0.0.1:1")
    speech = open_speech(settings, "openai", SecretStr("sk-workspace"))
    assert isinstance(speech.speaker, HostedSpeaker)
    assert speech.speaker.key == SecretStr("sk-workspace")
    assert speech.speaker.base_url is None


def test_the_local_voice_says_what_it_cannot() -> None:
    check_voice(_settings(), "local", "en-US", None)
    check_voice(_settings(), "local", "en", "heart")
    check_voice(_settings(), "openai", "de", "nova")
    for language, voice in (("de", None), ("en", "nova")):
        with pytest.raises(ValidationFailed):
            check_voice(_settings(), "local", language, voice)
