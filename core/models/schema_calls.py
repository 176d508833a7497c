"""Tool calls of models that have none: JSON of a schema with a branch for each tool and a reply.

The one place where such a model's requests are put into that form and its answers back into
calls. What never changes comes first in the prompt, so that a model that keeps what it has read
need not read it again: the system's words, then the tools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import JsonValue

from core.models.messages import ChatRequest, Message, ToolSpec

REPLY: Final = "reply"
_KEPT: Final = frozenset(
    {"type", "properties", "required", "items", "enum", "const", "anyOf", "minimum", "maximum"}
    | {"minItems", "maxItems", "minLength", "maxLength"}
)
_DEEPEST: Final = 8  # levels of a schema; below that anything goes
_LONGEST_TOLD: Final = 220  # characters of a description
_AFTER_ONE: Final = "Results of tools come as messages; then reply."
_AFTER_SEVERAL: Final = """\
What an argument needs and nobody has said is looked up by another tool first. Results of tools \
come as messages; then call the next tool, or reply when all is done."""
_HOW: Final = """\
Write one JSON object and nothing else: {"tool": a tool's name, "arguments": {…}} to call a tool, \
or {"tool": "reply", "text": your answer} to answer. Call a tool only if it does what is asked \
for and its arguments are known; if none does exactly that, reply. {after}
With a tool weather(city: string), "Will it rain in Oslo?" is \
{"tool": "weather", "arguments": {"city": "Oslo"}}, and "Book a hotel in Oslo." is \
{"tool": "reply", "text": "I have no tool that books hotels."}"""
_SOURCING: Final = """\
A reply from passages is {"tool": "reply", "points": [{"from": …, "text": …}]}: one to three short \
sentences that answer the question. "from" is the number n of the passage that says it, 0 if none \
does. Take names and figures from it as they are."""
_ONLY_SOURCING: Final = f"Write one JSON object and nothing else. {_SOURCING}"
_MOST_POINTS: Final = 3
_LIKELIEST: Final = 0.0  # a temperature


def in_schema(request: ChatRequest) -> ChatRequest:
    """Return a request without tools that asks for the same by a schema.

    With ``sources`` a reply is a few points, each after the number of the passage it is from. A
    request that has a format of its own keeps it, and its model calls nothing. Words are the
    likeliest ones unless the request has a temperature: drawn ones are often another tool's.
    """
    if request.response_format is not None or not (request.tools or request.sources):
        return replace(request, messages=_retold(request.messages), tools=())
    schema: JsonValue = {"name": "answer", "schema": _schema(request)}
    return replace(
        request,
        messages=_with_tools(_retold(request.messages), request),
        tools=(),
        temperature=_LIKELIEST if request.temperature is None else request.temperature,
        response_format={"type": "json_schema", "json_schema": schema},
    )


def _schema(request: ChatRequest) -> JsonValue:
    """Return one branch a tool, and the reply; its members come in this order."""
    branches = [_branch(REPLY, _reply(request.sources))]
    if request.may_call_tools:
        branches += [
            _branch(tool.name, {"arguments": plain(tool.parameters)}) for tool in request.tools
        ]
    return {"anyOf": branches} if len(branches) > 1 else branches[0]


def _reply(sources: Sequence[int]) -> dict[str, JsonValue]:
    if not sources:
        return {"text": {"type": "string"}}
    members: dict[str, JsonValue] = {"from": {"enum": [0, *sources]}, "text": {"type": "string"}}
    point: JsonValue = {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }
    return {"points": {"type": "array", "items": point, "minItems": 1, "maxItems": _MOST_POINTS}}


def _branch(name: str, members: Mapping[str, JsonValue]) -> JsonValue:
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, **members},
        "required": ["tool", *members],
        "additionalProperties": False,
    }


def plain(schema: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return a JSON Schema with its references written out and only what a grammar can be made of:
    types, members, choices and bounds."""
    return _plain(schema, schema.get("$defs") or {}, _DEEPEST)


def _plain(schema: Any, known: Mapping[str, Any], depth: int) -> dict[str, JsonValue]:
    if not isinstance(schema, Mapping) or depth == 0:
        return {}
    if "$ref" in schema:
        return _plain(known.get(str(schema["$ref"]).rpartition("/")[2]), known, depth - 1)
    if "oneOf" in schema:
        schema = {**schema, "anyOf": schema["oneOf"]}
    kept = {name: value for name, value in schema.items() if name in _KEPT}
    if "anyOf" in kept:
        kept["anyOf"] = [_plain(each, known, depth - 1) for each in kept["anyOf"]]
    if "items" in kept:
        kept["items"] = _plain(kept["items"], known, depth - 1)
    if "properties" in kept:
        members = kept["properties"].items()
        kept["properties"] = {name: _plain(each, known, depth - 1) for name, each in members}
        kept["additionalProperties"] = False
    return kept


def _with_tools(messages: list[Message], request: ChatRequest) -> list[Message]:
    """Return the messages with what may be written at the end of the first, the system's."""
    parts = [_how(request.tools), "Tools:", *map(_told, request.tools)] if request.tools else []
    if request.sources:
        parts.append(_SOURCING if request.tools else _ONLY_SOURCING)
    told = "\n".join(parts)
    if messages and messages[0]["role"] == "system":
        first: Message = {**messages[0], "content": f"{messages[0]['content']}\n\n{told}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]


def _how(tools: Sequence[ToolSpec]) -> str:
    """Return how to call; with one tool nothing of others, which had it called for anything."""
    return _HOW.replace("{after}", _AFTER_SEVERAL if len(tools) > 1 else _AFTER_ONE)


def _told(tool: ToolSpec) -> str:
    """Return a tool in a line or few: its name, arguments and what it does."""
    schema = plain(tool.parameters)
    members: Any = schema.get("properties") or {}
    required: Any = schema.get("required") or ()
    described: Any = tool.parameters.get("properties") or {}
    shown = ", ".join(
        f"{name}{'' if name in required else '?'}: {_kind(member)}"
        for name, member in members.items()
    )
    lines = [f"- {tool.name}({shown}): {_short(tool.description)}"]
    for name in members:
        about = described.get(name) if isinstance(described, Mapping) else None
        if isinstance(about, Mapping) and about.get("description"):
            lines.append(f"  {name}: {_short(str(about['description']))}")
    for request, arguments in tool.examples:
        call = json.dumps({"tool": tool.name, "arguments": arguments}, ensure_ascii=False)
        lines.append(f'  "{request}" is {call}')
    return "\n".join(lines)


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if "enum" in schema:
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in schema["enum"][:12])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(_kind, schema["anyOf"][:12])))
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items'))}]"
    if schema.get("type") == "object" and schema.get("properties"):
        members = schema["properties"].items()
        return "{" + ", ".join(f"{name}: {_kind(each)}" for name, each in members) + "}"
    return str(schema.get("type", "any"))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TOLD else f"{text[: _LONGEST_TOLD - 1]}…"


def _retold(messages: Sequence[Message]) -> list[Message]:
    """Return calls and results of tools as what was said: a model without tools knows no others."""
    told: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        calls: Any = message.get("tool_calls") or ()
        for call in calls:
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            name = names.get(str(message.get("tool_call_id")), "tool")
            said = f"Result of {name}:\n{message['content']}"
            told.append({"role": "user", "content": said})
        elif calls:
            told.append({"role": "assistant", "content": _said(message, calls)})
        else:
            told.append(message)
    return told


def _said(message: Message, calls: Any) -> str:
    lines = [str(message["content"])] if message.get("content") else []
    for call in calls:
        function = call["function"]
        name = json.dumps(function["name"], ensure_ascii=False)
        lines.append(f'{{"tool": {name}, "arguments": {function["arguments"] or "{}"}}}')
    return "\n".join(lines)
