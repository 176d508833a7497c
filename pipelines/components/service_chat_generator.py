"""Chat models of the service, asked with the keys of the workspace."""

from __future__ import annotations

import inspect
import json
from contextlib import aclosing
from typing import Any, Final

from haystack import component
from haystack.dataclasses import ChatMessage, StreamingChunk, select_streaming_callback
from haystack.dataclasses import ToolCall as HaystackToolCall
from haystack.dataclasses.streaming_chunk import StreamingCallbackT
from haystack.tools import ToolsType, flatten_tools_or_toolsets
from pydantic import SecretStr

from core.models import chat
from core.models.messages import ChatRequest, Finished, TextDelta, ToolCall, ToolSpec
from core.security import Sealer
from core.services import seal_keys
from core.store.unit import Store
from pipelines import background_loop
from pipelines.model_keys import read_own_key
from pipelines.workspace_access import check_access, get_access

# What a request has a field of its own for; the rest are further parameters of the model.
_FIELDS: Final = ("temperature", "max_tokens", "response_format")


@component
class ServiceChatGenerator:
    """Generate replies by a chat model, by default the configured one.

    A model of a provider that the workspace has a key for is asked with that key. ``usage`` in the
    metadata of a reply has the tokens, and ``cost`` in US dollars where it is known.
    """

    def __init__(
        self, model: str | None = None, generation_kwargs: dict[str, Any] | None = None
    ) -> None:
        """Raise ``Forbidden`` where no workspace is open."""
        self.model = model
        self.generation_kwargs = generation_kwargs
        self._access = get_access()

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: StreamingCallbackT | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        *,
        tools: ToolsType | None = None,
    ) -> dict[str, list[ChatMessage]]:
        """Return one reply; ``streaming_callback`` is called from another thread."""
        callback = select_streaming_callback(None, streaming_callback, requires_async=False)
        return background_loop.run(self._reply(messages, callback, generation_kwargs, tools))

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self,
        messages: list[ChatMessage] | str,
        streaming_callback: StreamingCallbackT | None = None,
        generation_kwargs: dict[str, Any] | None = None,
        *,
        tools: ToolsType | None = None,
    ) -> dict[str, list[ChatMessage]]:
        """Return one reply."""
        callback = select_streaming_callback(None, streaming_callback, requires_async=True)
        return await self._reply(messages, callback, generation_kwargs, tools)

    async def _reply(
        self,
        messages: list[ChatMessage] | str,
        callback: StreamingCallbackT | None,
        generation_kwargs: dict[str, Any] | None,
        tools: ToolsType | None,
    ) -> dict[str, list[ChatMessage]]:
        access = check_access(self._access)
        parameters = {**(self.generation_kwargs or {}), **(generation_kwargs or {})}
        request = ChatRequest(
            messages=_to_messages(messages),
            tools=_to_specs(tools),
            model=self.model,
            api_key=await access.run(self._read_key),
            **{name: parameters.pop(name) for name in _FIELDS if name in parameters},
            parameters=parameters,
        )
        text, calls, end = "", list[HaystackToolCall](), None
        async with aclosing(chat.stream(request)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    text += delta.text
                    await _call_back(callback, delta.text)
                elif isinstance(delta, ToolCall):
                    calls.append(_to_call(delta))
                elif isinstance(delta, Finished):
                    end = delta
        meta = {} if end is None else _to_meta(end)
        reply = ChatMessage.from_assistant(text or None, tool_calls=calls or None, meta=meta)
        return {"replies": [reply]}

    async def _read_key(self, store: Store) -> SecretStr | None:
        access = self._access
        sealer = Sealer(seal_keys(access.settings))
        return await read_own_key(store, sealer, access.workspace_id, self.model)


def _to_messages(messages: list[ChatMessage] | str) -> list[dict[str, Any]]:
    listed = [ChatMessage.from_user(messages)] if isinstance(messages, str) else messages
    return [message.to_openai_dict_format() for message in listed]


def _to_specs(tools: ToolsType | None) -> list[ToolSpec]:
    return [
        ToolSpec(tool.name, tool.description, tool.parameters)
        for tool in flatten_tools_or_toolsets(tools)
    ]


def _to_call(call: ToolCall) -> HaystackToolCall:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise ValueError(f"The model called {call.name} with invalid JSON; ask again.") from error
    return HaystackToolCall(call.name, arguments, id=call.id)


def _to_meta(end: Finished) -> dict[str, Any]:
    usage = {
        "prompt_tokens": end.input_tokens,
        "completion_tokens": end.output_tokens,
        "total_tokens": end.input_tokens + end.output_tokens,
        "cost": end.cost,
    }
    return {"model": end.model, "finish_reason": end.reason, "usage": usage}


async def _call_back(callback: StreamingCallbackT | None, text: str) -> None:
    if callback is not None:
        awaited = callback(StreamingChunk(text))
        if inspect.isawaitable(awaited):
            await awaited
