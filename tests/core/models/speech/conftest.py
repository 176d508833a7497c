"""The models that listen and speak, where somebody ran ``make voice-models``."""

from __future__ import annotations

import pytest

from core.config import Settings
from core.models.speech.door import Speech, open_speech
from core.models.speech.files import has_local_listener, has_local_speaker


@pytest.fixture
def speech() -> Speech:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    if not has_local_listener(settings) or not has_local_speaker():
        pytest.skip("no models that listen and speak: run make voice-models")
    return open_speech(settings, "local", None)
