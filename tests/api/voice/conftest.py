"""A service that could listen and speak, for what comes before anybody does."""

from __future__ import annotations

import pytest

from copilot.voice import sessions


@pytest.fixture
def with_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "require_voice", lambda *_: None)
