"""OpenAI's chat completions and embeddings, with their field names, and what we add to them.

https://platform.openai.com/docs/api-reference/chat and …/embeddings
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from api.wire import Flag, Wire, left_away

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
MessageText = Annotated[str, StringConstraints(max_length=100_000)]
Id = Annotated[str, StringConstraints(max_length=200)]
MAX_CHARS: Final = 400_000  # of all messages of one completion


class _Theirs(Wire):
    """Fields are named as OpenAI names them."""

    model_config = ConfigDict(alias_generator=None)


class TextPart(_Theirs):
    type: Literal["text"]
    text: MessageText


class ChatMessage(_Theirs):
    role: Literal["system", "developer", "user", "assistant"]
    content: MessageText | Annotated[list[TextPart], Field(max_length=100)]
    name: Annotated[str, Field(max_length=200)] | None = None

    def plain(self) -> dict[str, JsonValue]:
        parts = self.content
        text = parts if isinstance(parts, str) else "\n".join(part.text for part in parts)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(_Theirs):
    include_usage: Flag = False


class CompletionRequest(_Theirs):
    """``knowledgeBaseIds`` is ours: the bases to answer from; absent: all, empty: none."""

    model: Id
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: Flag = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: dict[str, JsonValue] | None = None
    n: Literal[1] = 1
    user: str | None = Field(None, max_length=1_000, description="Taken, and not used.")
    knowledge_base_ids: list[Id] | None = Field(None, alias="knowledgeBaseIds", max_length=50)

    @model_validator(mode="after")
    def _asks(self) -> CompletionRequest:
        if sum(len(str(message.plain()["content"])) for message in self.messages) > MAX_CHARS:
            raise ValueError(f"the messages have more than {MAX_CHARS} characters together")
        last = self.messages[-1]
        if last.role != "user" or not str(last.plain()["content"]).strip():
            raise ValueError("the last message must be a user's, with text")
        return self


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


class AnswerMessage(_Theirs):
    role: Literal["assistant"] = "assistant"
    content: str
    citations: list[Mark]


class Choice(_Theirs):
    index: int = 0
    message: AnswerMessage
    finish_reason: str


class TokenUsage(_Theirs):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(_Theirs):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage


class ChunkDelta(_Theirs):
    role: Literal["assistant"] | None = left_away()
    content: str | None = left_away()
    citations: list[Mark] | None = left_away()


class ChunkChoice(_Theirs):
    index: int = 0
    delta: ChunkDelta
    finish_reason: str | None = None


class ChatChunk(_Theirs):
    """A citation comes in a chunk before the one with its mark; usage in a last one if asked."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | None = left_away()


class EmbeddingRequest(_Theirs):
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=128)]
    model: Id
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = Field(None, max_length=1_000, description="Taken, and not used.")


class Embedding(_Theirs):
    """``embedding`` is a list of numbers, or its float32 bytes (little-endian) in base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(_Theirs):
    prompt_tokens: int
    total_tokens: int


class Embeddings(_Theirs):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(_Theirs):
    """``created`` is 0: nobody here knows."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "nuxa"


class Models(_Theirs):
    object: Literal["list"] = "list"
    data: list[Model]
