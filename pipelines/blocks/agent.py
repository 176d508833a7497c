"""``agent``: a model that may call tools and answer from knowledge bases, streamed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, ClassVar

from haystack import component
from pydantic import BeforeValidator, Field, JsonValue
from typing_extensions import override

from core.errors import UpstreamError
from core.models import chat
from core.models.messages import Message, TextDelta, ThinkingDelta, ToolCall
from pipelines.agent import AgentEvent, Done, Task, run_agent
from pipelines.blocks.agent_output import fields_of, output_of, response_format
from pipelines.blocks.agent_tools import ToolChoice, as_material, bound_tools
from pipelines.blocks.base import BlockSettings, Context, Output, Text, Values
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.knowledge import BaseIds
from pipelines.calling import ToolResult
from pipelines.masking import TextMask, mask
from pipelines.model_keys import own_key
from pipelines.passages import INSTRUCTIONS, MATERIAL, Passages, question_with
from pipelines.references import as_text
from pipelines.tools.remote.listed import is_remote


class ChatMessage(BlockSettings):
    role: str = Field("user", pattern="^(system|user|assistant)$")
    content: Annotated[str, BeforeValidator(as_text)] = ""


class AgentSettings(BlockSettings):
    model: Text = Field("", description="A litellm model name; empty: the configured one.")
    system_prompt: Text = ""
    prompt: Text = ""
    messages: list[ChatMessage] = Field(default_factory=list)
    tools: list[ToolChoice] = Field(default_factory=list)
    knowledge_base_ids: BaseIds = Field(default_factory=list)
    response_format: dict[str, JsonValue] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)


@component
class Agent(BlockComponent[AgentSettings]):
    type_name = "agent"
    title = "Agent"
    description = "Asks a model, which may call tools and cite knowledge bases."
    outputs: ClassVar = {
        "content": "string",
        "model": "string",
        "tokens": "object",
        "toolCalls": "array",
        "citations": "array",
        "cost": "number",
    }
    open_outputs = True
    settings = AgentSettings

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        if "prompt" in values or "messages" in values:
            return []
        return [("prompt", "the setting prompt (or messages) is missing")]

    @override
    async def execute(self, context: Context, settings: AgentSettings) -> Output:
        done = await _answer(context, settings, await _task(context, settings))
        fields = fields_of(done) if settings.response_format else {}
        return output_of(done, fields)


async def _task(context: Context, settings: AgentSettings) -> Task:
    passages = Passages()
    return Task(
        await _messages(context, settings, passages),
        passages,
        await bound_tools(context, settings.tools),
        model=settings.model or None,
        api_key=await own_key(context.services, context.workspace_id, settings.model or None),
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        response_format=response_format(settings.response_format),
        cites=bool(settings.knowledge_base_ids),
        present=as_material,
    )


async def _messages(context: Context, settings: AgentSettings, passages: Passages) -> list[Message]:
    """Return the prompt; with knowledge bases the last question carries what was found for it."""
    system = [settings.system_prompt] if settings.system_prompt else []
    system += [said.content for said in settings.messages if said.role == "system"]
    talk = [(m.role, m.content) for m in settings.messages if m.role != "system" and m.content]
    if settings.prompt:
        talk.append(("user", settings.prompt))
    asked = next((i for i in reversed(range(len(talk))) if talk[i][0] == "user"), None)
    if any(map(is_remote, settings.tools)):
        system.append(MATERIAL)
    if settings.knowledge_base_ids and asked is not None:
        system.append(INSTRUCTIONS)
        talk[asked] = ("user", await _with_passages(context, settings, passages, talk[asked][1]))
    spoken = [("system", "\n\n".join(system)), *talk] if system else talk
    return [{"role": role, "content": content} for role, content in spoken]


async def _with_passages(
    context: Context, settings: AgentSettings, passages: Passages, question: str
) -> str:
    from pipelines.retrieval import retrieve  # numpy and the models behind it are heavy

    store, base_ids = context.services.store, settings.knowledge_base_ids
    found = await retrieve(store, context.workspace_id, base_ids, question, passages)
    return question_with(found, question)


async def _answer(context: Context, settings: AgentSettings, task: Task) -> Done:
    """Run the loop to its end, telling what happens as it happens."""
    text, thinking = TextMask(context.scope.secrets), TextMask(context.scope.secrets)
    async with aclosing(run_agent(task, chat.stream)) as events:
        async for event in events:
            if isinstance(event, Done):
                await _tell(context, "thinking", {"thinking": thinking.finish()})
                await _tell(context, "chunk", {"chunk": text.finish()})
                await _tell(context, "done", {})
                return event
            await _show(context, event, text, thinking)
    raise UpstreamError(f"The model {settings.model} ended without an answer; run it again.")


async def _show(context: Context, event: AgentEvent, text: TextMask, thinking: TextMask) -> None:
    if isinstance(event, TextDelta):
        await _tell(context, "chunk", {"chunk": text.feed(event.text)})
    elif isinstance(event, ThinkingDelta):
        await _tell(context, "thinking", {"thinking": thinking.feed(event.text)})
    elif isinstance(event, ToolCall):
        called = {"phase": "call", "id": event.id, "name": event.name, "arguments": event.arguments}
        await _tell(context, "tool", called)
    elif isinstance(event, ToolResult):
        ended = {"phase": "result", "id": event.call.id, "name": event.call.name}
        await _tell(context, "tool", {**ended, "status": event.status, "output": event.output})


async def _tell(context: Context, kind: str, data: Mapping[str, JsonValue]) -> None:
    if kind in ("chunk", "thinking") and not data[kind]:
        return
    shown = {key: mask(value, context.scope.secrets) for key, value in data.items()}
    await context.emit(f"stream:{kind}", {"blockId": context.block_id, **shown})
