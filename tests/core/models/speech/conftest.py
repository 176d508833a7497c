"""The models that listen and speak, where somebody ran ``make voice-models``."""

from __future__ import annotations

import pytest

from core.config import Settings
from core.models.speech.door import Speech, open_speech
from core.models.speech.files import has_packages, whisper_directory


@pytest.fixture
def speech() -> Speech:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    if not has_packages() or whisper_directory(settings) is None:
        pytest.skip("no models that listen and speak: run make voice-models")
    return open_speech(settings, "local", None)
