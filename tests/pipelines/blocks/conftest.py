"""A scripted model at the door."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from core.models import chat
from core.models.messages import ChatDelta, ChatRequest, Finished


class ScriptedModel:
    """Answers with the given deltas, a list a round, and keeps what it was asked."""

    def __init__(self) -> None:
        self.rounds: list[list[ChatDelta]] = []
        self.asked: list[ChatRequest] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        self.asked.append(request)
        for delta in self.rounds[len(self.asked) - 1]:
            yield delta
        yield Finished("stub", "stop", 10, 5, 0.25)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    scripted = ScriptedModel()
    monkeypatch.setattr(chat, "stream", scripted.stream)
    return scripted
