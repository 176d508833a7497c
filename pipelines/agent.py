"""The one loop of model and tools, for the agent block and the copilot alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from pydantic import JsonValue, SecretStr

from core.models.chat import ChatDoor, tool_arguments
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    Message,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolSpec,
)
from pipelines.addresses import is_own
from pipelines.answer_text import AnswerText
from pipelines.calling import GateDoor, Missing, Tool, ToolResult, call_tool, no_gate
from pipelines.citations import Citation
from pipelines.passages import Passages

_MAX_OUTPUT: Final = 20_000  # characters of a tool's output that the model is given


@dataclass(frozen=True)
class Links:
    """An answer's links are guarded: those may stand that begin with ``own``, or that stand in the
    question, the passages, or what one of the tools ``quoting`` stored texts has returned."""

    own: str
    quoting: frozenset[str]


Present = Callable[[str, str], str]
"""How a tool's output, by the tool's name, is put before the model."""


def as_it_is(_: str, output: str) -> str:
    """Put an output before the model without a word."""
    return output


Hear = Callable[[], Awaitable[list[str]]]
"""Asked between rounds for what the user has said meanwhile."""


@dataclass(frozen=True)
class Task:
    """What the loop is to do.

    Marks are checked against ``passages``, which tools may add to, if the answer ``cites`` and is
    not bound to a format; elsewhere ``[1]`` is a text like any other. ``api_key`` is the
    workspace's own with the model's provider. ``secrets``, values by name, show in no quote. A call
    of ``client_tools`` is the caller's to execute: it ends the task. ``parameters`` are passed on
    to the model.
    """

    messages: Sequence[Message]
    passages: Passages
    tools: Sequence[Tool] = ()
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    response_format: dict[str, JsonValue] | None = None
    max_rounds: int = 8
    cites: bool = True
    api_key: SecretStr | None = None
    gate: GateDoor = no_gate
    hear: Hear | None = None
    links: Links | None = None
    present: Present = as_it_is
    secrets: Mapping[str, str] = field(default_factory=dict)
    client_tools: Sequence[ToolSpec] = ()
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """The end: ``content`` is all text joined. Tokens and ``cost`` (US dollars) are over all
    rounds; ``reason`` is the model's last."""

    content: str
    citations: Sequence[Citation]
    results: Sequence[ToolResult]
    model: str
    reason: str
    input_tokens: int
    output_tokens: int
    cost: float | None


AgentEvent = TextDelta | ThinkingDelta | Citation | ToolCall | ToolResult | Done


async def run_agent(task: Task, door: ChatDoor) -> AsyncGenerator[AgentEvent, None]:
    """Ask, call the tools asked for, and ask again, until the model answers without a call.

    In the last of ``max_rounds`` the model may call none. A tool that fails is the model's to
    deal with; a model that fails raises ``UpstreamError``. ``Done`` is the last event.
    """
    loop = _Loop(task)
    for round_number in range(1, task.max_rounds + 1):
        request = loop.request(may_call_tools=round_number < task.max_rounds)
        async with aclosing(door(request)) as deltas:
            async for delta in deltas:
                for event in loop.take(delta):
                    yield event
        for event in loop.end_round():
            yield event
        if task.client_tools:
            break
        if loop.calls and request.may_call_tools:
            for result in await asyncio.gather(*map(loop.call, loop.calls)):
                yield loop.note(result)
        if not await loop.goes_on() or not request.may_call_tools:
            break
    yield loop.done()


@dataclass
class _Loop:
    """The state between rounds."""

    task: Task
    messages: list[Message] = field(init=False)
    calls: list[ToolCall] = field(default_factory=list)
    _text: AnswerText = field(init=False)
    _tools: Mapping[str, Tool] = field(init=False)
    _round_text: list[str] = field(default_factory=list)
    _results: list[ToolResult] = field(default_factory=list)
    _finished: list[Finished] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _quoted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = list(self.task.messages)
        task = self.task
        is_free = task.response_format is None  # else it is a program's to read
        self._text = AnswerText(
            task.passages,
            cites=task.cites and is_free,
            may_link=self._may_link if task.links and is_free else None,
            secrets=task.secrets,
        )
        self._tools = {tool.spec.name: tool for tool in self.task.tools}

    def request(self, *, may_call_tools: bool) -> ChatRequest:
        self.calls, self._round_text = [], []
        task, tools = self.task, [tool.spec for tool in self.task.tools]
        if task.client_tools:
            tools = list(task.client_tools)
            may_call_tools = task.parameters.get("tool_choice") != "none"
        return ChatRequest(
            list(self.messages),
            tools,
            task.model,
            task.temperature,
            task.max_tokens,
            task.response_format,
            may_call_tools,
            task.api_key,
            parameters=task.parameters,
        )

    def take(self, delta: ChatDelta) -> list[AgentEvent]:
        if isinstance(delta, TextDelta):
            return self._say(delta.text)
        if isinstance(delta, ToolCall):
            call = self._told_apart(delta)
            self.calls.append(call)
            return [*_shown(self._text.finish()), call]
        if isinstance(delta, Finished):
            self._finished.append(delta)
            return []
        return [delta]

    def _say(self, text: str) -> list[AgentEvent]:
        self._round_text.append(text)
        apart = "\n\n" if len(self._round_text) == 1 and self._text.content.strip() else ""
        return _shown(self._text.feed(apart + text))

    def _told_apart(self, call: ToolCall) -> ToolCall:
        """Return the call under an id that no other of this task has: some models count anew in
        each round, or give none."""
        number, told = 2, call.id or "call"
        while told in self._ids:
            told, number = f"{call.id or 'call'}-{number}", number + 1
        self._ids.add(told)
        return replace(call, id=told)

    def end_round(self) -> list[AgentEvent]:
        """Let the held text go and put what was said and asked into the messages."""
        if self.calls:
            said = "".join(self._round_text) or None
            calls: list[JsonValue] = [_as_message(call) for call in self.calls]
            self.messages.append({"role": "assistant", "content": said, "tool_calls": calls})
        return _shown(self._text.finish())

    async def call(self, call: ToolCall) -> ToolResult:
        try:
            arguments = tool_arguments(call)
        except ValueError as error:
            return ToolResult(call, "error", f"The arguments do not fit: {error}.")
        tool = self._tools.get(call.name) or Missing(call.name, self._tools)
        return await call_tool(tool, call, arguments, self.task.gate)

    async def goes_on(self) -> bool:
        """Whether the model is to be asked again: a tool returned, or the user said something."""
        said = await self.task.hear() if self.task.hear else []
        if said and not self.calls and (text := "".join(self._round_text)):
            self.messages.append({"role": "assistant", "content": text})
        self.messages.extend({"role": "user", "content": each} for each in said)
        return bool(self.calls or said)

    def note(self, result: ToolResult) -> ToolResult:
        """Put a tool's result into the messages."""
        self._results.append(result)
        output = result.output
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        content = self.task.present(result.call.name, text[:_MAX_OUTPUT])
        if self.task.links and result.call.name in self.task.links.quoting:
            self._quoted.append(text)
        self.messages.append({"role": "tool", "tool_call_id": result.call.id, "content": content})
        return result

    def done(self) -> Done:
        costs = [finished.cost for finished in self._finished]
        known = [cost for cost in costs if cost is not None]
        return Done(
            content=self._text.content,
            citations=self._text.citations,
            results=self._results,
            model=self._finished[-1].model,
            reason=self._finished[-1].reason,
            input_tokens=sum(finished.input_tokens for finished in self._finished),
            output_tokens=sum(finished.output_tokens for finished in self._finished),
            cost=sum(known) if len(known) == len(costs) else None,
        )

    def _may_link(self, address: str) -> bool:
        """Whether an address is our own, or was seen as it is. What the model itself has written,
        and what tools have computed for it, do not count."""
        links = self.task.links
        if links is None or is_own(address, links.own):
            return True
        told = (m["content"] for m in self.messages if m["role"] in ("user", "system"))
        seen = chain(told, self._quoted, (passage.text for passage in self.task.passages))
        return any(address in str(text) for text in seen)


def _shown(parts: Iterable[str | Citation]) -> list[AgentEvent]:
    return [TextDelta(part) if isinstance(part, str) else part for part in parts]


def _as_message(call: ToolCall) -> JsonValue:
    function: JsonValue = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}
