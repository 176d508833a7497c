"""What a turn's calls to its model have used, finished or broken off."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from core.models.chat import ChatDoor, count_unfinished
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCall,
)


@dataclass
class UsageMeter:
    """A chat door that keeps what the door behind it has used."""

    door: ChatDoor
    _finished: list[Finished] = field(default_factory=list)
    _open: ChatRequest | None = None  # a call that has begun to answer
    _text: list[str] = field(default_factory=list)  # of that call

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        self._text = []
        async with aclosing(self.door(request)) as deltas:
            async for delta in deltas:
                if isinstance(delta, Finished):
                    self._finished.append(delta)
                    self._open = None
                else:
                    self._open = request
                    self._text.append(_text_of(delta))
                yield delta

    async def calls(self) -> list[Finished]:
        """Return the calls that finished, and the one that was broken off, counted here."""
        if self._open is None:
            return list(self._finished)
        return [*self._finished, await count_unfinished(self._open, "".join(self._text))]


def _text_of(delta: ChatDelta) -> str:
    if isinstance(delta, TextDelta | ThinkingDelta):
        return delta.text
    return delta.arguments if isinstance(delta, ToolCall) else ""


def total_usage(calls: Sequence[Finished]) -> dict[str, Any]:
    """Return the columns ``usage`` and ``cost`` of calls; no cost where one is not known."""
    sent = sum(call.input_tokens for call in calls)
    received = sum(call.output_tokens for call in calls)
    costs = [call.cost for call in calls if call.cost is not None]
    return {
        "usage": {"input": sent, "output": received, "total": sent + received},
        "cost": sum(costs) if len(costs) == len(calls) else None,
    }
