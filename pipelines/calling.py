"""One call of a tool that a model, or somebody else, has asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog
from pydantic import JsonValue

from core.errors import NotFound, NuxaError
from core.models.messages import ToolCall, ToolSpec
from pipelines.json_schema import SchemaUnusable, misfit

log = structlog.get_logger(__name__)


class Tool(Protocol):
    """A function the model may call; raises a ``NuxaError`` whose sentence the model is told."""

    @property
    def spec(self) -> ToolSpec: ...

    async def __call__(self, arguments: dict[str, JsonValue], /) -> JsonValue: ...


class GateDoor(Protocol):
    """Asked before each call, also of a tool that the task has not; raises what refuses it."""

    async def __call__(self, call: ToolCall, arguments: dict[str, JsonValue], /) -> None: ...


async def no_gate(_: ToolCall, __: dict[str, JsonValue]) -> None:
    """Refuse nothing."""


@dataclass(frozen=True)
class ToolResult:
    """``output`` is what the tool returned, or the sentence it failed with."""

    call: ToolCall
    status: Literal["success", "error"]
    output: JsonValue


async def call_tool(
    tool: Tool, call: ToolCall, arguments: dict[str, JsonValue], gate: GateDoor = no_gate
) -> ToolResult:
    """Check the arguments, ask the gate and run the tool; whatever goes wrong is its result."""
    try:
        wrong = await asyncio.to_thread(misfit, tool.spec.parameters, arguments)
        if wrong is not None:
            return ToolResult(call, "error", f"The arguments do not fit: {wrong.message}.")
        await gate(call, arguments)
        return ToolResult(call, "success", await tool(arguments))
    except SchemaUnusable as error:
        sentence = f"The schema of {call.name} cannot be used: {error.message}."
        return ToolResult(call, "error", sentence)
    except NuxaError as error:
        return ToolResult(call, "error", error.message)
    except Exception:
        log.exception("tool failed", tool=call.name)
        return ToolResult(call, "error", f"The tool {call.name} failed; do without it.")


@dataclass(frozen=True)
class Missing:
    """Stands in for a tool that the task has not."""

    name: str
    known: Iterable[str]

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, "", {"type": "object"})

    async def __call__(self, _: dict[str, JsonValue]) -> JsonValue:
        known = ", ".join(self.known) or "none"
        raise NotFound(f"There is no tool {self.name!r}; known: {known}.")
