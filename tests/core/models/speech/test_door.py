"""Which models are behind the doors, and what is said where there are none."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.errors import ValidationFailed
from core.models.speech import files
from core.models.speech.door import (
    NoVoice,
    check_voice,
    open_speech,
    require_listener,
    require_speech,
)
from core.models.speech.hosted import HostedListener, HostedSpeaker


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type, call-arg]


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "roots", lambda _: ())
    monkeypatch.setattr(files, "find_spec", lambda _: None)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("models", "missing"),
    [
        ({}, "NUXA_SPEECH_TO_TEXT_MODEL"),
        ({"text_to_speech_model": "openai/tts-1"}, "NUXA_SPEECH_TO_TEXT_MODEL"),
        ({"speech_to_text_model": "openai/whisper-1"}, "NUXA_TEXT_TO_SPEECH_MODEL"),
    ],
)
def test_require_speech_without_local_models_names_setting_and_command(
    models: dict[str, str], missing: str
) -> None:
    with pytest.raises(NoVoice, match=f"make voice-models.*{missing}") as caught:
        require_speech(_settings(**models), "local")
    assert len(caught.value.message) <= 160


@pytest.mark.usefixtures("nothing_installed")
def test_require_speech_with_hosted_models_asks_for_no_packages() -> None:
    hosted = {"speech_to_text_model": "openai/whisper-1", "text_to_speech_model": "openai/tts-1"}
    require_speech(_settings(**hosted), "local")
    require_speech(_settings(), "openai")


@pytest.mark.usefixtures("nothing_installed")
def test_require_listener_with_local_speaker_missing_asks_for_listener_only() -> None:
    require_listener(_settings(speech_to_text_model="openai/whisper-1"))
    with pytest.raises(NoVoice):
        require_listener(_settings())


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
