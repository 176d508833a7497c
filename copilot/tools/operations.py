"""What a model may ask for to change a workflow: typed operations, applied to its definition."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue

from core.errors import ValidationFailed
from pipelines.editing import operations as editing
from pipelines.tools.base import Params
from pipelines.workflow import normalised

Definition = dict[str, Any]
BlockId = Annotated[str, Field(min_length=1, max_length=200)]
_CONTAINERS: Final = {"loop": "loops", "parallel": "parallels"}
_COLUMN: Final = 300  # pixels between blocks in the editor


class AddBlock(Params):
    op: Literal["add_block"]
    id: BlockId
    type: Annotated[str, Field(description="As find_blocks has it.")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    settings: Annotated[
        dict[str, JsonValue], Field(description="By the names in the block's settings.")
    ] = Field(default_factory=dict)
    parent_id: Annotated[str | None, Field(description="Loop or parallel it stands in.")] = None

    def apply(self, definition: Definition) -> None:
        if self.id in definition["blocks"]:
            raise ValidationFailed(f"There is a block {self.id!r} already; choose another id.")
        block: dict[str, Any] = {"id": self.id, "type": self.type, "name": self.name}
        block["position"] = {"x": _COLUMN * len(definition["blocks"]), "y": 0}
        block["subBlocks"] = {}
        definition["blocks"][self.id] = block
        if part := _CONTAINERS.get(self.type):
            definition[part][self.id] = {"id": self.id, "nodes": []}
        if self.parent_id is not None:
            block["data"] = {"parentId": self.parent_id}
            _container(definition, self.parent_id)["nodes"].append(self.id)
        _set(definition, self.id, self.settings)


class UpdateBlock(Params):
    """Settings that are not named stay; null clears one. References follow a new name."""

    op: Literal["update_block"]
    id: BlockId
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    enabled: bool | None = None
    settings: dict[str, JsonValue] = Field(default_factory=dict)

    def apply(self, definition: Definition) -> None:
        _block(definition, self.id)
        said = self.model_dump(include={"name", "enabled"}, exclude_none=True)
        definition.update(editing.update_block(definition, self.id, said))
        _set(definition, self.id, self.settings)


class DeleteBlock(Params):
    """With its edges, and with what stands in it if it is a loop or parallel."""

    op: Literal["delete_block"]
    id: BlockId

    def apply(self, definition: Definition) -> None:
        _block(definition, self.id)
        definition.update(editing.delete_block(definition, self.id))


class Connect(Params):
    op: Literal["connect"]
    source: BlockId
    target: BlockId
    source_handle: Annotated[
        str | None, Field(description="error, condition-<id>, loop-start-source …; plain: none.")
    ] = None

    def apply(self, definition: Definition) -> None:
        for block_id in (self.source, self.target):
            _block(definition, block_id)
        taken = {edge["id"] for edge in definition["edges"]}
        edge_id = f"{self.source}-{self.source_handle or 'source'}-{self.target}"
        if edge_id in taken:
            return
        edge: dict[str, Any] = {"id": edge_id, "source": self.source, "target": self.target}
        if self.source_handle:
            edge["sourceHandle"] = self.source_handle
        definition["edges"].append(edge)


class Disconnect(Params):
    op: Literal["disconnect"]
    source: BlockId
    target: BlockId

    def apply(self, definition: Definition) -> None:
        kept = [
            edge
            for edge in definition["edges"]
            if (edge["source"], edge["target"]) != (self.source, self.target)
        ]
        if len(kept) == len(definition["edges"]):
            raise ValidationFailed(f"No edge leads from {self.source!r} to {self.target!r}.")
        definition["edges"] = kept


class SetVariable(Params):
    op: Literal["set_variable"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["string", "number", "boolean", "object", "array"] = "string"
    value: JsonValue = None

    def apply(self, definition: Definition) -> None:
        known = (v["id"] for v in definition["variables"].values() if v["name"] == self.name)
        variable_id = next(known, f"var_{normalised(self.name)}")
        definition["variables"][variable_id] = {
            "id": variable_id,
            "name": self.name,
            "type": self.type,
            "value": self.value,
        }


Operation = Annotated[
    AddBlock | UpdateBlock | DeleteBlock | Connect | Disconnect | SetVariable,
    Field(discriminator="op"),
]


def applied(definition: Definition, operations: Iterable[Operation]) -> Definition:
    """Return a definition after operations, in their order; raises ``ValidationFailed``."""
    after = deepcopy(definition)
    for part in ("blocks", "loops", "parallels", "variables"):
        after.setdefault(part, {})
    after.setdefault("edges", [])
    for number, operation in enumerate(operations, 1):
        try:
            operation.apply(after)
        except ValidationFailed as error:
            raise ValidationFailed(f"Operation {number}: {error.message}") from error
    return after


def _set(definition: Definition, block_id: str, settings: dict[str, JsonValue]) -> None:
    """Write settings where they live: a container's in its own map, others in sub-blocks."""
    block = definition["blocks"][block_id]
    part = _CONTAINERS.get(block["type"])
    for key, value in settings.items():
        if part:
            definition[part][block_id][key] = value
        elif value is None:
            block["subBlocks"].pop(key, None)
        else:
            known = block["subBlocks"].get(key, {"id": key, "type": "short-input"})
            block["subBlocks"][key] = {**known, "value": value}


def _block(definition: Definition, block_id: str) -> dict[str, Any]:
    block: dict[str, Any] | None = definition["blocks"].get(block_id)
    if block is None:
        known = ", ".join(definition["blocks"]) or "none"
        raise ValidationFailed(f"There is no block {block_id!r}; there are: {known}.")
    return block


def _container(definition: Definition, block_id: str) -> dict[str, Any]:
    for part in _CONTAINERS.values():
        if block_id in definition[part]:
            found: dict[str, Any] = definition[part][block_id]
            return found
    raise ValidationFailed(f"{block_id!r} is no loop or parallel of this workflow.")
