"""Dify's DSL: a graph of nodes, whose references go by the ids of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from pipelines.imports.dify_node import Node, leave
from pipelines.imports.dify_nodes import CONVERTERS
from pipelines.imports.dify_references import Nodes, References
from pipelines.imports.draft import Draft, Origin

_STARTS: Final = ("iteration-start", "loop-start")
_NOTES: Final = ("custom-note", "note", "")
_VARIABLE_TYPES: Final = {"number": "number", "object": "object", "boolean": "boolean"}


def convert(given: Mapping[str, Any], draft: Draft) -> None:
    """Read a workflow or chatflow into the draft."""
    workflow = given["workflow"]
    graph = workflow["graph"]
    nodes = {str(node["id"]): node for node in graph.get("nodes") or [] if _is_node(node)}
    names = {
        node_id: draft.name(_title(node), is_start=_type(node) == "start")
        for node_id, node in nodes.items()
        if _type(node) not in _STARTS
    }
    secrets = _variables(workflow, draft)
    types = {node_id: _type(node) for node_id, node in nodes.items()}
    table = Nodes(names, types, {i: _parent(node, nodes) for i, node in nodes.items()}, secrets)
    for node_id, node in nodes.items():
        if node_id in names:
            _node(node_id, node, table, draft)
    _edges(graph.get("edges") or [], nodes, draft)
    _entries(nodes, draft)


def _node(node_id: str, node: Mapping[str, Any], table: Nodes, draft: Draft) -> None:
    kind, data = _type(node), dict(node["data"])
    parent = table.parents[node_id]
    origin = Origin(node_id, table.names[node_id], kind or "note", node.get("position"), parent)
    made = Node(origin, data, References(table, parent, draft, origin.name), draft)
    if kind in _NOTES or str(node.get("type")) == "custom-note":
        draft.note(origin, data)
    elif kind in CONVERTERS:
        CONVERTERS[kind](made)
    else:
        leave(made, "there is no such block here")


def _variables(workflow: Mapping[str, Any], draft: Draft) -> frozenset[str]:
    """Take over variables; return the names of those that are secrets."""
    secrets: set[str] = set()
    for variable in workflow.get("environment_variables") or []:
        if variable.get("value_type") == "secret":
            secrets.add(str(variable["name"]))
            draft.warn(
                f"Set the secret {variable['name']} of the workspace: it is not in the file."
            )
        else:
            _variable(variable, draft)
    for variable in workflow.get("conversation_variables") or []:
        _variable(variable, draft)
        draft.warn(f"The variable {variable['name']} lasts for one run here, not a conversation.")
    return frozenset(secrets)


def _variable(variable: Mapping[str, Any], draft: Draft) -> None:
    name = str(variable["name"])
    value: JsonValue = variable.get("value")
    kind = str(variable.get("value_type") or "string")
    draft.variables[name] = {
        "id": name,
        "name": name,
        "type": "array" if kind.startswith("array") else _VARIABLE_TYPES.get(kind, "string"),
        "value": value,
    }


def _edges(edges: list[Any], nodes: Mapping[str, Any], draft: Draft) -> None:
    for edge in edges:
        source, target = str(edge["source"]), str(edge["target"])
        if target not in nodes or source not in nodes or target not in draft.blocks:
            draft.warn(f"An edge from {source} to {target} leads nowhere and is left away.")
            continue
        kind = _type(nodes[source])
        if kind in _STARTS:
            continue  # the container's own edge leads there
        draft.join(_leaves(source, draft), target, _handle(nodes[source], edge, draft))


def _entries(nodes: Mapping[str, Any], draft: Draft) -> None:
    """Join each container that was taken over to the first of the blocks inside it."""
    for container_id in draft.loops:
        inside = {i for i, node in nodes.items() if _parent(node, nodes) == container_id}
        entered = {
            str(edge["target"])
            for edge in draft.edges
            if isinstance(edge, dict) and edge["source"] in inside
        }
        for first in sorted((inside & draft.blocks.keys()) - entered):
            draft.join(container_id, first, "loop-start-source")


def _leaves(source: str, draft: Draft) -> str:
    """Return the block whose end is the node's end: one that was split ends in its last."""
    last = f"{source}-output"
    return last if last in draft.blocks else source


def _handle(node: Mapping[str, Any], edge: Mapping[str, Any], draft: Draft) -> str | None:
    kind, handle = _type(node), str(edge.get("sourceHandle") or "source")
    block = draft.blocks[str(node["id"])]
    if isinstance(block, dict) and block["type"] == "tool" and not block["enabled"]:
        return None
    if handle == "fail-branch":
        return "error"
    if kind == "if-else":
        return "condition-else" if handle == "false" else f"condition-{handle}"
    if kind == "question-classifier":
        named = {str(c["id"]): str(c["name"]) for c in node["data"].get("classes") or []}
        return f"router-{named.get(handle, handle)}"
    return None


def _parent(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> str | None:
    data = node["data"]
    parent = node.get("parentId") or data.get("iteration_id") or data.get("loop_id")
    # Only iterations become containers here.
    is_kept = str(parent) in nodes and _type(nodes[str(parent)]) == "iteration"
    return str(parent) if is_kept else None


def _type(node: Mapping[str, Any]) -> str:
    return str(node["data"].get("type") or "")


def _title(node: Mapping[str, Any]) -> str:
    return str(node["data"].get("title") or _type(node) or "note")


def _is_node(node: object) -> bool:
    return isinstance(node, Mapping) and "id" in node and isinstance(node.get("data"), Mapping)
