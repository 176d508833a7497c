"""What the loop of model and tools does, told to a turn's log and kept for its message."""

from __future__ import annotations

from typing import Any, Final

from copilot.events import TurnLog, citation_payload
from core.models.chat import tool_arguments
from core.models.messages import TextDelta, ThinkingDelta, ToolCall
from pipelines.agent import AgentEvent, Done, ToolResult
from pipelines.citations import Citation
from pipelines.journal import storable

_LONGEST_OUTPUT: Final = 4_000  # characters of a tool's output that are shown and kept


class Report:
    """Takes the loop's events in order."""

    def __init__(self, log: TurnLog) -> None:
        self.log = log
        self.tool_calls: list[dict[str, Any]] = []
        self.artifacts: list[dict[str, Any]] = []
        self._content: list[str] = []
        self._citations: list[dict[str, Any]] = []
        self._done: Done | None = None

    async def take(self, event: AgentEvent) -> None:
        if isinstance(event, TextDelta):
            delta = storable(event.text)
            self._content.append(delta)
            await self.log.say(delta)
            return
        await self.log.flush()
        if isinstance(event, ThinkingDelta):
            await self.log.send("thinking", {"delta": storable(event.text)})
        elif isinstance(event, Citation):
            payload = storable(citation_payload(event))
            await self.log.send("citation", payload)
            self._citations.append(payload)
        elif isinstance(event, ToolCall | ToolResult):
            await self._take_tool(event)
        else:
            self._done = event

    async def show(self, artifact: dict[str, Any]) -> None:
        """Tell readers of something that a tool made for them to see."""
        await self.log.flush()
        self.artifacts.append(storable(artifact))
        await self.log.send("artifact", self.artifacts[-1])

    def stored(self) -> dict[str, Any]:
        """Return a finished answer's columns."""
        if self._done is None:
            raise RuntimeError("the loop ended without its last event")
        done = self._done
        usage = {
            "input": done.input_tokens,
            "output": done.output_tokens,
            "total": done.input_tokens + done.output_tokens,
        }
        return {
            "content": "".join(self._content),
            "citations": self._citations,
            "tool_calls": self.tool_calls,
            "artifacts": self.artifacts,
            "model": done.model,
            "usage": usage,
            "cost": done.cost,
        }

    async def _take_tool(self, event: ToolCall | ToolResult) -> None:
        if isinstance(event, ToolCall):
            payload = {"phase": "call", **_call(event), "status": "running", "output": None}
        else:
            payload = {
                "phase": "result",
                **_call(event.call),
                "status": event.status,
                "output": _shortened(event.output),
            }
            self.tool_calls.append({k: v for k, v in payload.items() if k != "phase"})
        await self.log.send("tool", payload)


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments: Any = tool_arguments(call)
    except ValueError:
        arguments = call.arguments  # as the model wrote it; the result says what is wrong
    return {"toolCallId": call.id, "name": storable(call.name), "arguments": storable(arguments)}


def _shortened(output: Any) -> Any:
    text = output if isinstance(output, str) else repr(output)
    if len(text) <= _LONGEST_OUTPUT:
        return storable(output)
    return f"{storable(text[:_LONGEST_OUTPUT])} …"
