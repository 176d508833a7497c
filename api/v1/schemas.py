"""OpenAI's answers, models and embeddings, with their field names, and what we add to them.

https://platform.openai.com/docs/api-reference/chat and …/embeddings
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.wire import Wire, left_away

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Id = Annotated[str, StringConstraints(max_length=200)]


class OpenAIWire(Wire):
    """Fields are named as OpenAI names them."""

    model_config = ConfigDict(alias_generator=None)


class Mark(Wire):
    """What ``[n]`` in the content stands for: ours, as in the copilot's answers."""

    n: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    bbox: list[float] | None
    quote: str
    start_offset: int | None
    end_offset: int | None
    edited: bool | None = left_away()


class CalledFunction(OpenAIWire):
    name: str
    arguments: str


class ClientToolCall(OpenAIWire):
    id: str
    type: Literal["function"]
    function: CalledFunction


class ToolCallDelta(ClientToolCall):
    index: int


class AnswerMessage(OpenAIWire):
    role: Literal["assistant"] = "assistant"
    content: str | None
    tool_calls: list[ClientToolCall] | None = left_away()
    citations: list[Mark]


class Choice(OpenAIWire):
    index: int = 0
    message: AnswerMessage
    finish_reason: str


class TokenUsage(OpenAIWire):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(OpenAIWire):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage


class ChunkDelta(OpenAIWire):
    role: Literal["assistant"] | None = left_away()
    content: str | None = left_away()
    tool_calls: list[ToolCallDelta] | None = left_away()
    citations: list[Mark] | None = left_away()


class ChunkChoice(OpenAIWire):
    index: int = 0
    delta: ChunkDelta
    finish_reason: str | None = None


class ChatChunk(OpenAIWire):
    """A citation comes in a chunk before the one with its mark; usage in a last one if asked."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | None = left_away()


class EmbeddingRequest(OpenAIWire):
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=128)]
    model: Id
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = Field(None, max_length=1_000, description="Taken, and not used.")


class Embedding(OpenAIWire):
    """``embedding`` is a list of numbers, or its float32 bytes (little-endian) in base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(OpenAIWire):
    prompt_tokens: int
    total_tokens: int


class Embeddings(OpenAIWire):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(OpenAIWire):
    """``created`` is 0: nobody here knows."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "nuxa"


class Models(OpenAIWire):
    object: Literal["list"] = "list"
    data: list[Model]
