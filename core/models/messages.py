"""What is said to a chat model and what comes back, whatever the model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue, SecretStr

Message = dict[str, JsonValue]
"""One message in OpenAI's form: ``role``, ``content``, and for tools ``tool_calls`` or
``tool_call_id``."""


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: dict[str, JsonValue]


@dataclass(frozen=True)
class ChatRequest:
    """One call. ``model`` is a litellm name; None means the configured one.

    ``response_format`` is OpenAI's: ``{"type": "json_object"}`` or a ``json_schema``. Without
    ``may_call_tools`` the tools are only there to make sense of earlier calls. ``api_key`` is the
    caller's own with the model's provider, in the place of the operator's. ``parameters`` are
    further ones of OpenAI's API, among them ``tool_choice``; a model that does not support one is
    called without it.
    """

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = None
    may_call_tools: bool = True
    api_key: SecretStr | None = None
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ThinkingDelta:
    text: str


@dataclass(frozen=True)
class ToolCall:
    """A whole call, put together from its pieces; ``arguments`` is the JSON the model wrote."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Finished:
    """Last of a stream. Tokens are the model's count; ``cost`` in US dollars, None if unknown.

    ``reason`` is ``stop``, ``length``, ``tool_calls`` or ``content_filter``.
    """

    model: str
    reason: str
    input_tokens: int
    output_tokens: int
    cost: float | None


ChatDelta = TextDelta | ThinkingDelta | ToolCall | Finished

Answerer = Callable[[ChatRequest], AsyncIterator[str]]
"""A model of our own: yields its answer in pieces."""
