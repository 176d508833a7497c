"""One streamed answer, put together from litellm's chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from core.ids import new_id
from core.models.messages import Finished, Message, TextDelta, ThinkingDelta, ToolCall


@dataclass
class _PartialCall:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Answer:
    """What has come of one answer so far."""

    model: str
    reason: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    _text: list[str] = field(default_factory=list)
    _calls: dict[int, _PartialCall] = field(default_factory=dict)

    def take(self, chunk: Any) -> list[TextDelta | ThinkingDelta]:
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self.input_tokens = usage.prompt_tokens or 0
            self.output_tokens = usage.completion_tokens or 0
        if not chunk.choices:
            return []
        choice = chunk.choices[0]
        self.reason = choice.finish_reason or self.reason
        self._take_calls(choice.delta)
        thinking = getattr(choice.delta, "reasoning_content", None)
        found: list[TextDelta | ThinkingDelta] = []
        if thinking:
            found.append(ThinkingDelta(thinking))
        if choice.delta.content:
            self._text.append(choice.delta.content)
            found.append(TextDelta(choice.delta.content))
        return found

    def add_text(self, text: str) -> None:
        """Add text that was read elsewhere, to be counted."""
        self._text.append(text)

    def _take_calls(self, delta: Any) -> None:
        for piece in delta.tool_calls or ():
            call = self._calls.setdefault(piece.index, _PartialCall())
            call.id = call.id or piece.id or ""
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""

    def calls(self) -> list[ToolCall]:
        return [
            ToolCall(call.id or new_id("call"), call.name, call.arguments)
            for _, call in sorted(self._calls.items())
        ]

    def count(self, litellm: ModuleType, messages: list[Message]) -> None:
        """Count the tokens of an answer that was broken off, as litellm would."""
        # Without the default count, litellm downloads each image to measure it.
        self.input_tokens = litellm.token_counter(
            model=self.model, messages=messages, use_default_image_token_count=True
        )
        said = "".join([*self._text, *(call.arguments for call in self._calls.values())])
        self.output_tokens = litellm.token_counter(
            model=self.model, text=said, count_response_tokens=True
        )

    def finish(self, litellm: ModuleType) -> Finished:
        """Return the end of the answer, its cost by litellm's price list."""
        tokens = self.input_tokens, self.output_tokens
        cost = known_cost(litellm, self.model, *tokens)
        return Finished(self.model, self.reason, *tokens, cost)


def has_reason(chunks: Any) -> bool:
    """Whether a model said why its answer ended; litellm makes a reason up where none came.

    Both attributes are undocumented: ``tests/architecture/test_foreign_internals.py`` names the
    version that has them.
    """
    return bool(chunks.received_finish_reason or chunks.intermittent_finish_reason)


def known_cost(litellm: ModuleType, model: str, sent: int, received: int) -> float | None:
    """Return the price in US dollars by litellm's list, None for a model it does not list."""
    if model not in litellm.model_cost and model.partition("/")[2] not in litellm.model_cost:
        return None
    costs = litellm.cost_per_token(model=model, prompt_tokens=sent, completion_tokens=received)
    return float(sum(costs))
