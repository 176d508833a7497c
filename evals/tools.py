"""Which tool a model chooses: through our own loop, and by itself."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue

from core.errors import UpstreamError
from core.models.chat import ChatDoor
from core.models.messages import ChatRequest, Message, TextDelta, ToolCall, ToolSpec
from evals.tool_cases import ToolCase
from pipelines.agent import Task, run_agent
from pipelines.calling import ToolResult
from pipelines.passages import Passages

_MOST_TOKENS: Final = 300
_ROUNDS: Final = 3  # a call that does not fit is asked for again
_TASK: Final = "Call the tool that does what the user asks. If none does, say so in one sentence."
_RAW: Final = (
    "You are given functions as JSON. To call one, write only a JSON object "
    '{"name": …, "arguments": {…}}. If none of them does what is asked, say so instead.\n'
)
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class _Recorded:
    """A tool that does nothing but let itself be called."""

    spec: ToolSpec

    async def __call__(self, _: dict[str, JsonValue]) -> JsonValue:
        return "done"


async def asked(case: ToolCase, door: ChatDoor, model: str, *, raw: bool) -> dict[str, Any]:
    """Ask one case, of the model itself as well if ``raw``; return its row."""
    row: dict[str, Any] = {"id": case.id, "category": case.category}
    row |= await _tried("ours", case, _chosen(case, door, model))
    if raw:
        row |= await _tried("raw", case, _raw_choice(case, door, model))
    return row


async def _tried(how: str, case: ToolCase, work: Any) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        calls = await work
    except UpstreamError as error:
        return {how: False, f"{how}Calls": error.message, f"{how}Seconds": 0.0}
    seconds = round(time.perf_counter() - began, 1)
    return {how: is_right(case, calls), f"{how}Calls": calls, f"{how}Seconds": seconds}


async def _chosen(case: ToolCase, door: ChatDoor, model: str) -> list[Call]:
    """Return the calls of the first round in which all fitted, as the loop would make them."""
    messages: list[Message] = [{"role": "system", "content": _TASK}, *case.messages]
    task = Task(
        messages,
        Passages(),
        [_Recorded(tool) for tool in case.tools],
        model=model,
        temperature=0.0,
        max_tokens=_MOST_TOKENS,
        max_rounds=_ROUNDS,
        cites=False,
    )
    calls: list[Call] = []
    async with aclosing(run_agent(task, door)) as events:
        async for event in events:
            if isinstance(event, ToolResult) and event.status == "success":
                calls.append((event.call.name, json.loads(event.call.arguments or "{}")))
            elif calls and not isinstance(event, ToolResult):
                break  # the next round begins
    return calls


async def _raw_choice(case: ToolCase, door: ChatDoor, model: str) -> list[Call]:
    """Return what the model itself writes when it is shown the functions and left alone."""
    functions = json.dumps([
        {"name": t.name, "description": t.description, "parameters": t.parameters}
        for t in case.tools
    ])  # fmt: skip
    messages: list[Message] = [{"role": "system", "content": _RAW + functions}, *case.messages]
    request = ChatRequest(messages, model=model, temperature=0.0, max_tokens=_MOST_TOKENS)
    async with aclosing(door(request)) as deltas:
        parts = [d async for d in deltas if isinstance(d, TextDelta | ToolCall)]
    return written_call("".join(part.text for part in parts if isinstance(part, TextDelta)))


def written_call(text: str) -> list[Call]:
    """Return the call that a free text holds, if any."""
    found = _OBJECT.search(text)
    try:
        written = json.loads(found.group()) if found else None
    except ValueError:
        return []
    if not isinstance(written, dict) or not isinstance(written.get("name"), str):
        return []
    arguments = written.get("arguments")
    return [(written["name"], arguments if isinstance(arguments, dict) else {})]


def is_right(case: ToolCase, calls: Sequence[Call]) -> bool:
    """Whether the calls are the gold one, or none where none is right.

    As BFCL has it: each argument has one of its right values, and only those that may be left out
    are. tau2's are judged by name.
    """
    if case.gold is None:
        return not calls
    name, values = case.gold
    if len(calls) != 1 or calls[0][0] != name:
        return False
    if case.category.startswith("tau2"):
        return True
    return _fits(calls[0][1], values)


def _fits(arguments: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> bool:
    if not arguments.keys() <= values.keys():
        return False
    left_out = values.keys() - arguments.keys()
    return all("" in values[name] for name in left_out) and all(
        any(_equal(value, right) for right in values[name]) for name, value in arguments.items()
    )


def _equal(value: Any, right: Any) -> bool:
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, int | float) and isinstance(right, int | float):
        return abs(value - right) < 1e-6
    if isinstance(value, str) and isinstance(right, str):
        return _plain(value) == _plain(right)
    if isinstance(value, list) and isinstance(right, list):
        return len(value) == len(right) and all(map(_equal, value, right))
    if isinstance(value, dict) and isinstance(right, dict):
        return _fits(value, {k: v if isinstance(v, list) else [v] for k, v in right.items()})
    return bool(value == right)


def _plain(text: str) -> str:
    return re.sub(r"[ ,./\-_*^]", "", text).lower().replace("'", '"')


def measures(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how many were right by category, ours and raw."""
    found = {}
    for category in dict.fromkeys(str(row["category"]) for row in rows):
        of = [row for row in rows if row["category"] == category]
        for how in ("ours", "raw"):
            if how in of[0]:
                right = sum(bool(row[how]) for row in of)
                found[f"{category}: {how}"] = {"right": right, "of": len(of)}
    return found
