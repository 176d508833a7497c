"""What of a completion's request its model accepts, and what is ignored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from api.v1.completion_request import ChatMessage, ClientTool, CompletionRequest, ImageUrl
from core.models import chat
from core.models.messages import Message, ToolSpec

# litellm reads ``metadata`` itself; an answer here has no place for what the others ask for.
_NEVER_SUPPORTED: Final = frozenset(
    {"metadata", "store", "logprobs", "top_logprobs", "service_tier"}
)
_PASSED_ON: Final = (
    "top_p",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "reasoning_effort",
    "verbosity",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "tool_choice",
    "parallel_tool_calls",
)
_DEPENDENT: Final = (
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "tools",
    *_PASSED_ON,
    *sorted(_NEVER_SUPPORTED),
)
# These providers receive an image's address as it is. For others litellm downloads it here.
_RECEIVE_ADDRESSES: Final = frozenset({"openai", "azure"})


@dataclass
class ModelParameters:
    """Parameters that a model supports; ``ignored`` names the others of the request."""

    messages: list[Message]
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = None
    tools: list[ToolSpec] = field(default_factory=list)
    further: dict[str, JsonValue] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Nuxa-Ignored-Parameters": ",".join(self.ignored)} if self.ignored else {}


async def select_parameters(body: CompletionRequest, model: str) -> ModelParameters:
    """Return what of a request its model accepts."""
    sent = {
        name: value
        for name, value in body.model_dump(mode="json", exclude_none=True).items()
        if value not in ([], {})
    }
    supported = await chat.supported_parameters(model) - _NEVER_SUPPORTED
    if "max_tokens" in supported:
        supported |= {"max_completion_tokens"}  # litellm sends the one that the model reads
    if "tools" in supported and body.tool_choice in ("auto", "none"):
        supported |= {"tool_choice"}
    ignored = [name for name in _DEPENDENT if name in sent and name not in supported]
    ignored += body.unknown
    accepted = sent.keys() - set(ignored)
    has_tools, sees = "tools" in supported, await chat.supports_images(model)
    messages = [
        _message(message, model, has_tools=has_tools, sees_images=sees) for message in body.messages
    ]
    if sum(map(_count_images, messages)) < sum(len(each.images) for each in body.messages):
        ignored.append("image_url")
    return ModelParameters(
        messages=[message for message in messages if message is not None],
        temperature=body.temperature if "temperature" in accepted else None,
        max_tokens=(
            (body.max_completion_tokens or body.max_tokens)
            if accepted & {"max_tokens", "max_completion_tokens"}
            else None
        ),
        response_format=body.response_format if "response_format" in accepted else None,
        tools=[_tool_spec(tool) for tool in body.tools or ()] if "tools" in accepted else [],
        further={name: sent[name] for name in _PASSED_ON if name in accepted},
        ignored=ignored,
    )


def _tool_spec(tool: ClientTool) -> ToolSpec:
    function = tool.function
    return ToolSpec(function.name, function.description, function.parameters)


def _message(
    message: ChatMessage, model: str, *, has_tools: bool, sees_images: bool
) -> Message | None:
    """Return a message as the model reads it; None for one of tools where it has none."""
    role = "system" if message.role == "developer" else message.role
    if not has_tools and (role == "tool" or (message.tool_calls and not message.text)):
        return None
    plain: Message = {"role": role, "content": message.text}
    images = [image for image in message.images if sees_images and _may_pass(image, model)]
    if images:
        parts: list[JsonValue] = [{"type": "text", "text": message.text}] if message.text else []
        parts += [
            {"type": "image_url", "image_url": image.model_dump(exclude_none=True)}
            for image in images
        ]
        plain["content"] = parts
    if message.tool_calls and has_tools:
        plain["content"] = message.text or None
        plain["tool_calls"] = [call.model_dump() for call in message.tool_calls]
    if message.tool_call_id is not None:
        plain["tool_call_id"] = message.tool_call_id
    return plain


def _may_pass(image: ImageUrl, model: str) -> bool:
    return image.url.startswith("data:") or model.partition("/")[0] in _RECEIVE_ADDRESSES


def _count_images(message: Message | None) -> int:
    content = message["content"] if message else None
    parts = content if isinstance(content, list) else []
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)
