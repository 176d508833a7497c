"""What the loop of model and tools does, told to a turn's log and kept for its message."""

from __future__ import annotations

from typing import Any, Final

from copilot.events import TurnLog, citation_payload
from copilot.notices import notice_for
from copilot.usage_meter import UsageMeter, total_usage
from core.models.chat import tool_arguments
from core.models.messages import Finished, TextDelta, ThinkingDelta, ToolCall
from pipelines.agent import AgentEvent
from pipelines.calling import ToolResult
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
        self._end: dict[str, Any] | None = None
        self._before: list[Finished] = []
        self.meter: UsageMeter | None = None  # of the loop's calls, once they have begun
        self._notice: dict[str, str] | None = None

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
            await self.cite(citation_payload(event))
        elif isinstance(event, ToolCall | ToolResult):
            await self._take_tool(event)
        else:
            self.close(event.model, event.input_tokens, event.output_tokens, event.cost)
            await self._send_notice(event.model)

    async def _send_notice(self, model: str) -> None:
        self._notice = notice_for(model)
        if self._notice:
            await self.log.send("notice", self._notice)

    async def cite(self, payload: dict[str, Any]) -> None:
        """Tell readers of a checked citation, before its mark."""
        await self.log.flush()
        self._citations.append(storable(payload))
        await self.log.send("citation", self._citations[-1])

    def close(
        self, model: str | None, input_tokens: int, output_tokens: int, cost: float | None
    ) -> None:
        """Take what the answer has cost: tokens, and US dollars."""
        last = Finished(model or "", "stop", input_tokens, output_tokens, cost)
        self._end = {"model": model, **total_usage([*self._before, last])}

    async def unfinished_usage(self) -> dict[str, Any]:
        """Return ``usage`` and ``cost`` of an answer that was broken off; empty where no model was
        asked."""
        calls = [*self._before, *(await self.meter.calls() if self.meter else [])]
        return total_usage(calls) if calls else {}

    def spend(self, call: Finished) -> None:
        """Count what a call before the answer's own has cost."""
        self._before.append(call)

    async def show(self, artifact: dict[str, Any]) -> None:
        """Tell readers of something that a tool made for them to see."""
        await self.log.flush()
        self.artifacts.append(storable(artifact))
        await self.log.send("artifact", self.artifacts[-1])

    async def ask(self, call: ToolCall) -> None:
        """Tell readers that a call waits for its user's approval."""
        await self.log.flush()
        told = {"phase": "approval", **_call(call), "status": "waiting", "output": None}
        await self.log.send("tool", told)

    def stored(self) -> dict[str, Any]:
        """Return a finished answer's columns."""
        if self._end is None:
            raise RuntimeError("the loop ended without its last event")
        return {
            "content": "".join(self._content),
            "citations": self._citations,
            "tool_calls": self.tool_calls,
            "artifacts": self.artifacts,
            "notice": self._notice,
            **self._end,
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
