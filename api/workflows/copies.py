"""A definition under new ids: blocks, edges, containers and variables, and all that names them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from core.ids import new_id
from pipelines.workflow import Block, Definition, Edge, parse


def copied(definition: Definition) -> Definition:
    """Return the same workflow under new ids. References go by name, so they stay."""
    containers = definition.loops.keys() | definition.parallels.keys()
    ids = {old: new_id("blk") for old in definition.blocks.keys() | containers}
    blocks = [_block(block, ids) for block in definition.blocks.values()]
    wire = definition.wire()
    return parse(
        {
            **wire,
            "blocks": {str(block["id"]): block for block in blocks},
            "edges": [_edge(edge, ids) for edge in definition.edges],
            "loops": _containers(wire["loops"], ids),
            "parallels": _containers(wire["parallels"], ids),
            "variables": {
                new: {**variable.model_dump(by_alias=True), "id": new}
                for variable in definition.variables.values()
                for new in [new_id("var")]
            },
        }
    )


def _block(block: Block, ids: Mapping[str, str]) -> dict[str, JsonValue]:
    wire: dict[str, JsonValue] = block.model_dump(mode="json", by_alias=True)
    wire["id"] = ids[block.id]
    if "data" in wire:  # holds ids of containers, and in a container's own those of its nodes
        wire["data"] = _renamed(wire["data"], ids)
    return wire


def _edge(edge: Edge, ids: Mapping[str, str]) -> dict[str, JsonValue]:
    wire: dict[str, JsonValue] = edge.model_dump(mode="json", by_alias=True)
    ends = {"source": ids[edge.source], "target": ids[edge.target]}
    return {**wire, **ends, "id": new_id("edge")}


def _containers(wire: JsonValue, ids: Mapping[str, str]) -> JsonValue:
    """Rename containers and their nodes; what they count or iterate over may spell an id."""
    named = wire if isinstance(wire, dict) else {}
    renamed: dict[str, JsonValue] = {}
    for old, container in named.items():
        fields = container if isinstance(container, dict) else {}
        nodes = _renamed(fields.get("nodes"), ids)
        renamed[ids[old]] = {**fields, "id": ids[old], "nodes": nodes}
    return renamed


def _renamed(value: JsonValue, ids: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, list):
        return [_renamed(item, ids) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, ids) for key, item in value.items()}
    return value
