"""Sim's exports: the same shape as ours, with blocks that we have not and settings of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from pipelines.blocks import KINDS
from pipelines.imports.draft import Draft, Origin
from pipelines.tools import TOOLS
from pipelines.workflow import normalised

_KINDS: Final = {"human_in_the_loop": "humanInTheLoop", "router_v2": "router"}
_TRIGGERS: Final = {"start_trigger", "starter", "trigger", "api_trigger", "input_trigger"}
_SETTINGS: Final = {
    "agent": {"userPrompt": "prompt", "context": "prompt"},
    "evaluator": {},
    "function": {"timeout": "timeoutMs"},
    "api": {"queryParams": "params", "timeout": "timeoutMs"},
    "wait": {"timeValue": "seconds"},
}
_PROVIDERS: Final = {"gemini": "gemini/", "grok": "xai/", "deepseek": "deepseek/"}
_IN_CONTAINER: Final = re.compile(r"<([\w()-]+)\.(index|currentItem|items)\b")


def convert(state: Mapping[str, Any], draft: Draft) -> None:
    """Read an exported state into the draft."""
    blocks = {str(block_id): block for block_id, block in state["blocks"].items() if _is_map(block)}
    containers = _containers(state, draft, blocks)
    has_start = False
    for block_id, block in blocks.items():
        is_trigger = block.get("type") in _TRIGGERS or bool(block.get("triggerMode"))
        name = draft.name(str(block.get("name") or block_id), is_start=is_trigger)
        parent = (block.get("data") or {}).get("parentId")
        origin = Origin(block_id, name, str(block.get("type")), block.get("position"), parent)
        values = {key: setting.get("value") for key, setting in _settings(block).items()}
        given = _renamed({key: v for key, v in values.items() if v not in (None, "")}, containers)
        if is_trigger and has_start:
            draft.leave(origin, given, "a workflow here has one start, and has it already")
        elif is_trigger:
            has_start = True
            _start(origin, given, draft)
        else:
            _block(origin, given, draft, is_enabled=block.get("enabled") is not False)
    for edge in state.get("edges") or []:
        if _is_map(edge):
            draft.join(str(edge["source"]), str(edge["target"]), edge.get("sourceHandle"))
    draft.variables.update(state.get("variables") or {})


def _start(origin: Origin, given: dict[str, JsonValue], draft: Draft) -> None:
    fields = given.pop("inputFormat", None)
    listed = fields if isinstance(fields, list) else []
    named = [item for item in listed if isinstance(item, dict) and item.get("name")]
    if origin.type == "schedule":
        draft.warn(
            f'Block "{origin.name}" was a schedule ({json.dumps(given, ensure_ascii=False)}): '
            "deploy the workflow and PUT /api/workflows/{id}/schedule."
        )
    elif origin.type not in _TRIGGERS:
        draft.warn(
            f'Block "{origin.name}" was started by {origin.type}, which is not joined to us: run '
            "the workflow with an input of the same fields, or by a webhook."
        )
    draft.add(origin, "start", {"inputFormat": [*named]} if named else {}, given)


def _block(origin: Origin, given: dict[str, JsonValue], draft: Draft, *, is_enabled: bool) -> None:
    kind = _KINDS.get(origin.type, origin.type)
    if origin.type == "note":
        draft.note(origin, given)
    elif not is_enabled:
        draft.leave(origin, given, "it was disabled there")
    elif kind in ("loop", "parallel"):
        draft.add(origin, kind, {}, given)
    elif kind not in KINDS or kind == "start":
        draft.leave(origin, given, "there is no such block here")
    else:
        _known(origin, kind, given, draft)


def _known(origin: Origin, kind: str, given: dict[str, JsonValue], draft: Draft) -> None:
    names = _SETTINGS.get(kind, {})
    named = {names.get(key, key): value for key, value in given.items()}
    ours = {key: value for key, value in named.items() if key in KINDS[kind].fields()}
    rest = {key: value for key, value in named.items() if key not in ours}
    if "model" in KINDS[kind].fields():
        ours["model"] = draft.model_named(_model(str(ours.get("model") or "")))
    if "tools" in ours:
        ours["tools"], rest["tools"] = _tools(origin, ours["tools"], draft)
    if "messages" in ours:
        ours["messages"] = _json(ours["messages"])
    draft.add(origin, kind, ours, {key: v for key, v in rest.items() if v not in ([], None)})


def _tools(origin: Origin, given: JsonValue, draft: Draft) -> tuple[JsonValue, JsonValue]:
    """Return the tools that we have, by name, and the others as they came."""
    tools = _json(given)
    listed = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    ours = [tool for tool in listed if tool.get("toolId") in TOOLS]
    others = [tool for tool in listed if tool not in ours]
    for tool in others:
        title = tool.get("title") or tool.get("toolId") or tool.get("type")
        draft.warn(f'Block "{origin.name}" loses the tool {title}: there is none like it here.')
    return [tool["toolId"] for tool in ours], [*others]


def _model(named: str) -> str:
    prefix = next((p for start, p in _PROVIDERS.items() if named.startswith(start)), "")
    return named if "/" in named else prefix + named


def _containers(
    state: Mapping[str, Any], draft: Draft, blocks: Mapping[str, Any]
) -> dict[str, str]:
    """Take over loops and parallels; return, by the names of their blocks, what they are."""
    found: dict[str, str] = {}
    for kind, target in (("loop", draft.loops), ("parallel", draft.parallels)):
        for container_id, container in (state.get(f"{kind}s") or {}).items():
            kept = dict(container)
            if kept.get("loopType") == "doWhile":
                kept["loopType"] = "while"
                kept["whileCondition"] = kept.get("doWhileCondition")
                draft.warn("A doWhile loop looks at its condition before each iteration here.")
            target[container_id] = kept
            name = blocks.get(container_id, {}).get("name")
            found |= {normalised(str(name)): kind} if name else {}
    return found


def _renamed(value: Any, containers: Mapping[str, str]) -> Any:
    """Return settings in which a container's name is ``loop`` or ``parallel`` for its inside."""

    def rename(match: re.Match[str]) -> str:
        kind = containers.get(normalised(match[1]))
        return f"<{kind}.{match[2]}" if kind else match[0]

    if isinstance(value, str):
        return _IN_CONTAINER.sub(rename, value)
    if isinstance(value, list):
        return [_renamed(item, containers) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, containers) for key, item in value.items()}
    return value


def _settings(block: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {key: item for key, item in (block.get("subBlocks") or {}).items() if _is_map(item)}


def _json(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        read: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)
