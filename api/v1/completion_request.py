"""The request of a chat completion in OpenAI's format.

https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from api.v1.schemas import Id, OpenAIWire
from api.wire import Flag

MAX_CHARS: Final = 400_000  # of the texts, tool calls and tools of one completion
MAX_IMAGE_CHARS: Final = 5_000_000  # of the addresses and data URLs of all images
MAX_UNKNOWN: Final = 30
# As OpenAI's are written; one that is written as ours is a mistake to tell.
_UNKNOWN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DATA_URL: Final = ("data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp")

MessageText = Annotated[str, StringConstraints(max_length=100_000)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
StopText = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Metadata = dict[
    Annotated[str, StringConstraints(max_length=64)],
    Annotated[str, StringConstraints(max_length=512)],
]


def _check_image_url(url: str) -> str:
    if not url.startswith(("https://", "http://", *_DATA_URL)):
        raise ValueError("must be an http(s) address or a data URL of a PNG, JPEG, GIF or WebP")
    return url


ImageAddress = Annotated[
    str, StringConstraints(max_length=MAX_IMAGE_CHARS), AfterValidator(_check_image_url)
]


class TextPart(OpenAIWire):
    type: Literal["text"]
    text: MessageText


class ImageUrl(OpenAIWire):
    url: ImageAddress
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(OpenAIWire):
    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class EarlierFunction(OpenAIWire):
    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    arguments: Annotated[str, StringConstraints(max_length=100_000)]


class EarlierToolCall(OpenAIWire):
    """A tool call of an earlier answer; clients send back what their own parsers add."""

    model_config = ConfigDict(extra="ignore")

    id: Id
    type: Literal["function"] = "function"
    function: EarlierFunction


class ChatMessage(OpenAIWire):
    """A message; further fields, which clients send back from an answer, are ignored."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: MessageText | Annotated[list[Part], Field(max_length=100)] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    tool_calls: Annotated[list[EarlierToolCall], Field(max_length=128)] | None = None
    tool_call_id: Id | None = None

    @model_validator(mode="after")
    def _check_role(self) -> ChatMessage:
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            raise ValueError("content is required, except beside an assistant's tool_calls")
        if self.tool_calls and self.role != "assistant":
            raise ValueError("tool_calls must be an assistant's")
        if (self.role == "tool") != (self.tool_call_id is not None):
            raise ValueError("tool_call_id is required for the role tool, and only there")
        if self.role != "user" and self.images:
            raise ValueError("images must be in a user's message")
        return self

    @property
    def text(self) -> str:
        if not isinstance(self.content, list):
            return self.content or ""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> list[ImageUrl]:
        parts = self.content if isinstance(self.content, list) else []
        return [part.image_url for part in parts if isinstance(part, ImagePart)]

    @property
    def size(self) -> int:
        """Characters of the texts and tool calls."""
        calls = self.tool_calls or ()
        return len(self.text) + sum(len(call.function.arguments) for call in calls)


class StreamOptions(OpenAIWire):
    include_usage: Flag = False
    include_obfuscation: Flag | None = Field(None, description="Accepted and ignored.")


def _empty_schema() -> dict[str, JsonValue]:
    return {"type": "object", "properties": {}}


class FunctionSpec(OpenAIWire):
    name: ToolName
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    parameters: dict[str, JsonValue] = Field(default_factory=_empty_schema)
    strict: bool | None = Field(None, description="Accepted and ignored.")


class ClientTool(OpenAIWire):
    type: Literal["function"]
    function: FunctionSpec


class FunctionName(OpenAIWire):
    name: ToolName


class NamedToolChoice(OpenAIWire):
    type: Literal["function"]
    function: FunctionName


class CompletionRequest(OpenAIWire):
    """``knowledgeBaseIds`` is ours: the bases to answer from; absent: all, empty: none.

    A parameter that the model does not support, or that is not in this list, is ignored and named
    in the header ``X-Nuxa-Ignored-Parameters``. ``tools`` are called by the client.
    """

    model_config = ConfigDict(extra="allow")  # clients add parameters of other servers

    model: Id
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: Flag = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    response_format: dict[str, JsonValue] | None = None
    n: Literal[1] | None = 1
    top_p: float | None = Field(None, ge=0, le=1)
    stop: StopText | Annotated[list[StopText], Field(max_length=4)] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[Id, Bias] | None = Field(None, max_length=300)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    reasoning_effort: Annotated[str, Field(max_length=20)] | None = None
    service_tier: Annotated[str, Field(max_length=20)] | None = None
    verbosity: Annotated[str, Field(max_length=20)] | None = None
    store: bool | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None
    user: str | None = Field(None, max_length=1_000)
    safety_identifier: Annotated[str, Field(max_length=1_000)] | None = None
    prompt_cache_key: Annotated[str, Field(max_length=1_000)] | None = None
    tools: list[ClientTool] | None = Field(None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    knowledge_base_ids: list[Id] | None = Field(None, alias="knowledgeBaseIds", max_length=50)

    @property
    def unknown(self) -> list[str]:
        """Names of parameters that are not listed here."""
        return list(self.model_extra or ())

    @model_validator(mode="after")
    def _check_unknown(self) -> CompletionRequest:
        if len(self.unknown) > MAX_UNKNOWN:
            raise ValueError(f"at most {MAX_UNKNOWN} unknown parameters are ignored")
        for name in self.unknown:
            if not _UNKNOWN_NAME.fullmatch(name):
                raise ValueError(f"{name[:40]!r} is not a parameter")
        return self

    @model_validator(mode="after")
    def _check_sizes(self) -> CompletionRequest:
        tools = json.dumps([tool.model_dump() for tool in self.tools or ()])
        if sum(message.size for message in self.messages) + len(tools) > MAX_CHARS:
            raise ValueError(f"the messages and tools have more than {MAX_CHARS} characters")
        images = [image for message in self.messages for image in message.images]
        if sum(len(image.url) for image in images) > MAX_IMAGE_CHARS:
            raise ValueError(f"the images have more than {MAX_IMAGE_CHARS} characters")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> CompletionRequest:
        asking = [message for message in self.messages if message.role == "user"]
        if not asking or not (asking[-1].text.strip() or asking[-1].images):
            raise ValueError("the last message of a user must exist, with text or an image")
        called: set[str] = set()
        for message in self.messages:
            called |= {call.id for call in message.tool_calls or ()}
            if message.tool_call_id is not None and message.tool_call_id not in called:
                raise ValueError("a tool's message must answer an earlier tool call")
        return self

    @model_validator(mode="after")
    def _check_tools(self) -> CompletionRequest:
        names = [tool.function.name for tool in self.tools or ()]
        if len(set(names)) < len(names):
            raise ValueError("tools must have different names")
        if isinstance(self.tool_choice, NamedToolChoice):
            if self.tool_choice.function.name not in names:
                raise ValueError("tool_choice must name one of the tools")
        elif self.tool_choice == "required" and not names:
            raise ValueError("tool_choice required needs tools")
        return self
