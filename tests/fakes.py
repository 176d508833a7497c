"""Stand-ins at the doors to the outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from core.errors import UpstreamError
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta, ToolCall


@dataclass
class FakeChat:
    """A chat door that plays its rounds in order and remembers what it was asked."""

    rounds: Sequence[Sequence[ChatDelta | str]]
    requests: list[ChatRequest] = field(default_factory=list)

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        if len(self.requests) >= len(self.rounds):
            raise UpstreamError("The fake model has no round left.")
        this = self.rounds[len(self.requests)]
        self.requests.append(_frozen(request))
        for delta in this:
            yield TextDelta(delta) if isinstance(delta, str) else delta
        reason = "tool_calls" if any(isinstance(d, ToolCall) for d in this) else "stop"
        yield Finished(request.model or "fake", reason, 10, 5, 0.25)


def _frozen(request: ChatRequest) -> ChatRequest:
    """Copy a request, since the loop goes on writing into its messages."""
    return replace(request, messages=list(request.messages))
