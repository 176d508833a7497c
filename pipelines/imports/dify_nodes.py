"""Dify's nodes as blocks: one function a type."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from core.sandbox.interpreter import MODULES
from pipelines.imports import dify_models as models
from pipelines.imports.dify_conditions import cases_of, expression
from pipelines.imports.dify_http import http_request
from pipelines.imports.dify_node import Node, leave, parameter, parameters_of
from pipelines.imports.draft import Origin
from pipelines.references import Secret, find
from pipelines.tools import TOOLS
from pipelines.workflow import normalised

_INPUT_TYPES: Final = {"number": "number", "checkbox": "boolean", "json_object": "object"}


Converter = Callable[[Node], None]


def _start(node: Node) -> None:
    fields: list[JsonValue] = []
    for variable in node.data.get("variables") or []:
        kind = _INPUT_TYPES.get(str(variable.get("type")), "string")
        value = variable.get("default") or ""
        fields.append({"name": variable["variable"], "type": kind, "value": value})
    node.draft.add(node.origin, "start", {"inputFormat": fields} if fields else {})


def _code(node: Node) -> None:
    is_python = str(node.data.get("code_language")).startswith("python")
    language, nothing = ("python", "None") if is_python else ("javascript", "null")
    code = str(node.data.get("code") or "")
    for module in _missing_modules(code) if is_python else ():
        node.draft.warn(f'Block "{node.origin.name}" imports {module}, which the sandbox has not.')
    for token in find(code):
        if isinstance(token, Secret):
            node.draft.warn(f'Block "{node.origin.name}": {token} in its code names a secret here.')
    given = {
        str(variable["variable"]): node.references.argument(variable.get("value_selector") or [])
        or nothing
        for variable in node.data.get("variables") or []
    }
    if is_python:
        call = ", ".join(f"{name}={argument}" for name, argument in given.items())
        code = f"{code}\n\nreturn main({call})\n"
    else:
        call = ", ".join(f"{name}: {argument}" for name, argument in given.items())
        code = f"{code}\n\nreturn await main({{{call}}});\n"
    settings: dict[str, JsonValue] = {"language": language, "code": code}
    node.draft.add(node.origin, "function", settings, node.rest("code", "code_language"))


def _missing_modules(code: str) -> list[str]:
    """Return the modules that code imports and that the sandbox has not."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # a run says what is wrong with it
    named: set[str] = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            named |= {alias.name.partition(".")[0] for alias in part.names}
        elif isinstance(part, ast.ImportFrom) and part.module and not part.level:
            named.add(part.module.partition(".")[0])
    return sorted(named - sys.stdlib_module_names - MODULES)


def _template(node: Node) -> None:
    variables = {
        str(variable["variable"]): node.references.token(variable.get("value_selector") or [])
        for variable in node.data.get("variables") or []
    }
    text = node.references.jinja(str(node.data.get("template") or ""), variables)
    if text is None:
        leave(node, "its Jinja template does more than fill in values")
    else:
        node.draft.add(node.origin, "template", {"template": text}, node.rest("template"))


def _answer(node: Node) -> None:
    text = node.references.text(node.data.get("answer"))
    node.draft.add(node.origin, "template", {"template": text}, node.rest("answer"))


def _end(node: Node) -> None:
    data: dict[str, JsonValue] = {
        str(output["variable"]): node.references.token(output.get("value_selector") or [])
        for output in node.data.get("outputs") or []
    }
    node.draft.add(node.origin, "response", {"data": data}, node.rest("outputs"))


def _if_else(node: Node) -> None:
    conditions: list[JsonValue] = []
    for case in cases_of(node.data):
        told = expression(case, node.references)
        if told is None:
            leave(node, "one of its conditions has no counterpart here")
            return
        case_id = str(case.get("case_id") or case.get("id"))
        conditions.append({"id": case_id, "title": f"case {case_id}", "value": told})
    rest = node.rest("cases", "conditions", "logical_operator")
    node.draft.add(node.origin, "condition", {"conditions": conditions}, rest)


def _aggregator(node: Node) -> None:
    if (node.data.get("advanced_settings") or {}).get("group_enabled"):
        leave(node, "it joins several groups of variables")
        return
    # Only one of the branches ran: what the others would have given is empty.
    tokens = [node.references.token(selector) for selector in node.data.get("variables") or []]
    node.draft.add(node.origin, "template", {"template": "".join(tokens)}, node.rest())


def _assigner(node: Node) -> None:
    items = node.data.get("items") or [
        {
            "variable_selector": node.data.get("assigned_variable_selector"),
            "operation": str(node.data.get("write_mode") or "over-write"),
            "input_type": "variable",
            "value": node.data.get("input_variable_selector"),
        }
    ]
    assignments: list[JsonValue] = []
    for item in items:
        operation, value = str(item.get("operation")), item.get("value")
        if operation not in ("over-write", "set", "clear"):
            leave(node, f"its operation {operation} has no counterpart here")
            return
        if operation != "clear" and item.get("input_type") == "variable":
            value = node.references.token(value or [])
        name = str((item.get("variable_selector") or [""])[-1])
        assignments.append({"name": name, "value": None if operation == "clear" else value})
    rest = node.rest("items", "assigned_variable_selector", "input_variable_selector", "write_mode")
    node.draft.add(node.origin, "variables", {"assignments": assignments}, rest)


def _tool(node: Node) -> None:
    name = str(node.data.get("tool_name"))
    if name not in TOOLS:
        leave(node, f"there is no tool {name} here")
        return
    params: dict[str, JsonValue] = {
        key: parameter(node, given) for key, given in parameters_of(node.data, "tool_parameters")
    }
    node.draft.add(node.origin, "tool", {"toolName": name, "params": params}, node.rest())


def _iteration(node: Node) -> None:
    nodes = node.references.nodes
    items = node.references.token(node.data.get("iterator_selector") or [])
    node.draft.add(node.origin, "loop", {}, node.rest("iterator_selector", "output_selector"))
    node.draft.loops[node.origin.id] = {
        "id": node.origin.id,
        "loopType": "forEach",
        "forEachItems": items,
        "nodes": [i for i in nodes.names if nodes.parents[i] == node.origin.id],
    }
    # What Dify calls its output is one field of what our loop gives for each item.
    selector = [str(step) for step in node.data.get("output_selector") or []]
    inside = replace(node.references, parent=node.origin.id)
    token = inside.token(selector) if selector else ""
    steps = "".join(f"?.[{json.dumps(step)}]" for step in re.findall(r"[.]([\w-]+)", token))
    key = normalised(node.origin.name)
    last = Origin(
        f"{node.origin.id}-output", f"{node.origin.name}-output", "iteration", node.origin.position
    )
    code = f"return (<{key}.results> ?? []).map((one) => one{steps});"
    node.draft.add(last, "function", {"language": "javascript", "code": code})
    node.draft.join(node.origin.id, last.id, "loop-end-source")


def _knowledge(node: Node) -> None:
    leave(node, "its datasets are not here: choose a knowledge base and enable it")


CONVERTERS: Final[Mapping[str, Converter]] = {
    "start": _start,
    "llm": models.llm,
    "code": _code,
    "template-transform": _template,
    "answer": _answer,
    "end": _end,
    "if-else": _if_else,
    "question-classifier": models.classifier,
    "parameter-extractor": models.extractor,
    "variable-aggregator": _aggregator,
    "assigner": _assigner,
    "tool": _tool,
    "agent": models.agent,
    "iteration": _iteration,
    "knowledge-retrieval": _knowledge,
    "http-request": http_request,
}
