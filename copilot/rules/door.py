"""The rules as a chat model: they call tools like one, and answer from what the tools returned."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, Final

from copilot.rules.calls import Result
from copilot.rules.plans import Plan
from copilot.rules.router import find_route
from core.config import RULES_MODEL
from core.ids import new_id
from core.models import chat
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    Message,
    TextDelta,
    ToolCall,
)
from pipelines.passages import question_of, read

_PIECE: Final = 400  # characters


async def answer(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    """Follow the plan of a question that has a route; leave others to the extractive answerer."""
    plan = await _find_plan(request)
    if plan is None:
        async with aclosing(chat.stream(request)) as deltas:
            async for delta in deltas:
                yield delta
        return
    for delta in _followed(plan, _results_so_far(request.messages)):
        yield delta


async def _find_plan(request: ChatRequest) -> Plan | None:
    """Return the plan of a request's question, None where documents are to answer."""
    content = str(request.messages[_last(request.messages)]["content"])
    question = question_of(content)
    offered = {tool.name for tool in request.tools}
    route = await find_route(question, read(content), offered)
    return route.build(question, offered) if route else None


def _followed(plan: Plan, results: Sequence[Result]) -> Iterator[ChatDelta]:
    """Yield the plan's next calls, or what it tells in the end, as a model would."""
    uses = plan.next(results)
    if not uses:
        yield from _said(plan.tell(results))
        return
    for use in uses:
        yield ToolCall(new_id("call"), use.tool, json.dumps(use.arguments))
    yield Finished(RULES_MODEL, "tool_calls", 0, 0, 0.0)


def _said(text: str) -> Iterator[ChatDelta]:
    """Yield a text as a model would say it, under the rules' own name."""
    for start in range(0, len(text), _PIECE):
        yield TextDelta(text[start : start + _PIECE])
    yield Finished(RULES_MODEL, "stop", 0, 0, 0.0)


def _last(messages: Sequence[Message]) -> int:
    return max(i for i, message in enumerate(messages) if message["role"] == "user")


def _results_so_far(messages: Sequence[Message]) -> list[Result]:
    """Return what the tools called for the last question have returned."""
    last = _last(messages)
    names: dict[str, str] = {}
    results = []
    for message in messages[last + 1 :]:
        calls: Any = message.get("tool_calls") or []
        names |= {call["id"]: call["function"]["name"] for call in calls}
        if message["role"] == "tool":
            name = names[str(message["tool_call_id"])]
            results.append(_result(name, str(message["content"])))
    return results


def _result(tool: str, content: str) -> Result:
    """Read a tool's message: an object is its output, anything else the sentence of an error."""
    try:
        output = json.loads(content)
    except ValueError:
        output = None
    if not isinstance(output, dict):
        return Result(tool, None, content[:500])
    return Result(tool, output)
