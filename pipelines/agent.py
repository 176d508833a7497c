"""The one loop of model and tools, for the agent block and the copilot alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import jsonschema
import structlog
from pydantic import JsonValue, SecretStr

from core.errors import NotFound, NuxaError
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
from pipelines.citations import Citation, CitationChecker
from pipelines.passages import Passages

_LONGEST_TOOL_OUTPUT: Final = 20_000  # characters a model is given of one result

log = structlog.get_logger(__name__)


class Tool(Protocol):
    """A function the model may call; raises a ``NuxaError`` whose sentence the model is told."""

    @property
    def spec(self) -> ToolSpec: ...

    async def __call__(self, arguments: dict[str, JsonValue], /) -> JsonValue: ...


class GateDoor(Protocol):
    """Asked before each call, also of a tool that the task has not; raises what refuses it."""

    async def __call__(self, call: ToolCall, arguments: dict[str, JsonValue], /) -> None: ...


async def _open(_: ToolCall, __: dict[str, JsonValue]) -> None:
    """Refuse nothing."""


@dataclass(frozen=True)
class Task:
    """What the loop is to do.

    Marks are checked against ``passages``, which tools may add to, if the answer ``cites`` and is
    not bound to a format; elsewhere ``[1]`` is a text like any other. ``api_key`` is the
    workspace's own with the model's provider.
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
    gate: GateDoor = _open


@dataclass(frozen=True)
class ToolResult:
    """``output`` is what the tool returned, or the sentence it failed with."""

    call: ToolCall
    status: Literal["success", "error"]
    output: JsonValue


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
        if not loop.calls or not request.may_call_tools:
            break
        for result in await asyncio.gather(*map(loop.call, loop.calls)):
            yield loop.note(result)
    yield loop.done()


async def call_tool(
    tool: Tool, call: ToolCall, arguments: dict[str, JsonValue], gate: GateDoor = _open
) -> ToolResult:
    """Check the arguments, ask the gate and run the tool; whatever goes wrong is its result."""
    try:
        jsonschema.validate(arguments, tool.spec.parameters)
        await gate(call, arguments)
        return ToolResult(call, "success", await tool(arguments))
    except NuxaError as error:
        return ToolResult(call, "error", error.message)
    except jsonschema.ValidationError as error:
        return ToolResult(call, "error", f"The arguments do not fit: {error.message}.")
    except Exception:
        log.exception("tool failed", tool=call.name)
        return ToolResult(call, "error", f"The tool {call.name} failed; do without it.")


@dataclass(frozen=True)
class _Missing:
    """Stands in for a tool that the task has not."""

    name: str
    known: Iterable[str]

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "", {"type": "object"})

    async def __call__(self, _: dict[str, JsonValue]) -> JsonValue:
        known = ", ".join(self.known) or "none"
        raise NotFound(f"There is no tool {self.name!r}; known: {known}.")


@dataclass
class _Loop:
    """The state between rounds."""

    task: Task
    messages: list[Message] = field(init=False)
    calls: list[ToolCall] = field(default_factory=list)
    _checker: CitationChecker = field(init=False)
    _tools: Mapping[str, Tool] = field(init=False)
    _content: list[str] = field(default_factory=list)
    _round_text: list[str] = field(default_factory=list)
    _citations: list[Citation] = field(default_factory=list)
    _results: list[ToolResult] = field(default_factory=list)
    _finished: list[Finished] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = list(self.task.messages)
        self._checker = CitationChecker(self.task.passages)
        self._tools = {tool.spec.name: tool for tool in self.task.tools}

    def request(self, *, may_call_tools: bool) -> ChatRequest:
        self.calls, self._round_text = [], []
        task = self.task
        return ChatRequest(
            self.messages,
            [tool.spec for tool in task.tools],
            task.model,
            task.temperature,
            task.max_tokens,
            task.response_format,
            may_call_tools,
            task.api_key,
        )

    def take(self, delta: ChatDelta) -> list[AgentEvent]:
        if isinstance(delta, TextDelta):
            self._round_text.append(delta.text)
            apart = "\n\n" if len(self._round_text) == 1 and "".join(self._content).strip() else ""
            return self._shown(self._checked(apart + delta.text))
        if isinstance(delta, ToolCall):
            self.calls.append(delta)
            return [*self._shown(self._checker.finish()), delta]
        if isinstance(delta, Finished):
            self._finished.append(delta)
            return []
        return [delta]

    def end_round(self) -> list[AgentEvent]:
        """Let the held text go and put what was said and asked into the messages."""
        if self.calls:
            said = "".join(self._round_text) or None
            calls: list[JsonValue] = [_as_message(call) for call in self.calls]
            self.messages.append({"role": "assistant", "content": said, "tool_calls": calls})
        return self._shown(self._checker.finish())

    async def call(self, call: ToolCall) -> ToolResult:
        try:
            arguments = tool_arguments(call)
        except ValueError as error:
            return ToolResult(call, "error", f"The arguments do not fit: {error}.")
        tool = self._tools.get(call.name) or _Missing(call.name, self._tools)
        return await call_tool(tool, call, arguments, self.task.gate)

    def note(self, result: ToolResult) -> ToolResult:
        """Put a tool's result into the messages."""
        self._results.append(result)
        output = result.output
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
        content = text[:_LONGEST_TOOL_OUTPUT]
        self.messages.append({"role": "tool", "tool_call_id": result.call.id, "content": content})
        return result

    def done(self) -> Done:
        costs = [finished.cost for finished in self._finished]
        known = [cost for cost in costs if cost is not None]
        return Done(
            content="".join(self._content),
            citations=self._citations,
            results=self._results,
            model=self._finished[-1].model,
            reason=self._finished[-1].reason,
            input_tokens=sum(finished.input_tokens for finished in self._finished),
            output_tokens=sum(finished.output_tokens for finished in self._finished),
            cost=sum(known) if len(known) == len(costs) else None,
        )

    def _checked(self, text: str) -> list[str | Citation]:
        if self.task.cites and self.task.response_format is None:
            return self._checker.feed(text)
        return [text]

    def _shown(self, parts: list[str | Citation]) -> list[AgentEvent]:
        events: list[AgentEvent] = []
        for part in parts:
            if isinstance(part, Citation):
                self._citations.append(part)
                events.append(part)
            else:
                self._content.append(part)
                events.append(TextDelta(part))
        return events


def _as_message(call: ToolCall) -> JsonValue:
    function: JsonValue = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}
