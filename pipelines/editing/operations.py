"""What an editor may ask for, each a function from a workflow's content to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import Conflict, NotFound, ValidationFailed
from pipelines.editing.patch import FIELDS, PARTS, Content, by_id
from pipelines.editing.renaming import renamed


def add_block(content: Content, block: Mapping[str, Any], edges: Iterable[Any] = ()) -> Content:
    """Put in a block, and edges that join it."""
    blocks = content["blocks"]
    if block["id"] in blocks:
        raise Conflict(f"There is a block {block['id']!r} already; give the new one another id.")
    added = {**blocks, block["id"]: dict(block)}
    return {**content, "blocks": added, "edges": [*content["edges"], *edges]}


def update_block(content: Content, block_id: str, changes: Mapping[str, Any]) -> Content:
    """Change a block's fields: those not named stay, null clears. References to its name follow a
    new one."""
    block = _block(content, block_id)
    if changes.get("id", block_id) != block_id:
        raise ValidationFailed("A block keeps its id; delete it and add another.")
    after = {key: value for key, value in {**block, **changes}.items() if _stays(key, value)}
    blocks = {**content["blocks"], block_id: after}
    name = changes.get("name", block["name"])
    if name != block["name"] and isinstance(name, str):
        return renamed({**content, "blocks": blocks}, block["name"], name)
    return {**content, "blocks": blocks}


def _stays(key: str, value: Any) -> bool:
    return value is not None or key in ("id", "type", "name")


def delete_block(content: Content, block_id: str) -> Content:
    """Take out a block with what stands in it, the edges at them, and its entry as a container."""
    _block(content, block_id)
    gone = _with_inner(content, block_id)

    def others(part: str) -> dict[str, Any]:
        kept = {key: value for key, value in content[part].items() if key not in gone}
        return {key: _without_nodes(value, gone) for key, value in kept.items()}

    return {
        **content,
        "blocks": {key: value for key, value in content["blocks"].items() if key not in gone},
        "edges": [e for e in content["edges"] if not {e["source"], e["target"]} & gone],
        "loops": others("loops"),
        "parallels": others("parallels"),
    }


def _with_inner(content: Content, block_id: str) -> set[str]:
    gone, size = {block_id}, 0
    while size < len(gone):
        size = len(gone)
        for part in ("loops", "parallels"):
            gone |= {
                node for i in gone & content[part].keys() for node in content[part][i]["nodes"]
            }
        blocks = content["blocks"]
        gone |= {key for key, value in blocks.items() if _parent(value) in gone}
    return gone


def _parent(block: Mapping[str, Any]) -> str | None:
    return (block.get("data") or {}).get("parentId")


def _without_nodes(container: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    return {**container, "nodes": [node for node in container["nodes"] if node not in gone]}


def update_sub_block(
    content: Content, block_id: str, key: str, value: Any, expected: list[Any]
) -> Content:
    """Set the value of a block's setting; ``expected`` holds what it must be before, or nothing.

    Raises ``Conflict`` where it is something else.
    """
    block = _block(content, block_id)
    settings = block["subBlocks"]
    known = settings.get(key, {"id": key, "type": "short-input", "value": None})
    if expected and known.get("value") != expected[0]:
        raise Conflict("Somebody else changed this setting; look at it again.")
    after = {**block, "subBlocks": {**settings, key: {**known, "value": value}}}
    return {**content, "blocks": {**content["blocks"], block_id: after}}


def set_variable(content: Content, variable_id: str, fields: Mapping[str, Any]) -> Content:
    """Add a variable, or change the fields that are named."""
    known = content["variables"].get(variable_id, {"id": variable_id})
    variables = {**content["variables"], variable_id: {**known, **fields, "id": variable_id}}
    return {**content, "variables": variables}


def delete_variable(content: Content, variable_id: str) -> Content:
    if variable_id not in content["variables"]:
        raise NotFound(f"There is no variable {variable_id!r} in this workflow.")
    kept = {key: value for key, value in content["variables"].items() if key != variable_id}
    return {**content, "variables": kept}


def replace(content: Content, changes: Mapping[str, Any]) -> Content:
    """Put whole parts, the name or the description in the place of what was there."""
    unknown = changes.keys() - {*PARTS, *FIELDS}
    if unknown:
        raise ValidationFailed(f"A workflow has no {', '.join(sorted(unknown))}.")
    after = {**content, **changes}
    # A map of edges by id is what the document's root maps are; both are taken.
    return {**after, "edges": list(by_id(after, "edges").values())}


def _block(content: Content, block_id: str) -> dict[str, Any]:
    block: dict[str, Any] | None = content["blocks"].get(block_id)
    if block is None:
        raise NotFound(f"There is no block {block_id!r} in this workflow.")
    return block
