"""The workflow as data: what a definition looks like on the wire and in memory.

What makes a definition valid stands in ``pipelines.validity``, what it means in
``pipelines.compile``.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from core.errors import ValidationFailed, issues_of

MAX_BLOCKS = 500
MAX_EDGES = 10 * MAX_BLOCKS


class Wire(BaseModel):
    """camelCase on the wire; fields this version does not know are kept as they came."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """Leave out optional fields nobody gave, so that a round trip adds no nulls."""
        absent = {
            name
            for field, info in type(self).model_fields.items()
            if field not in self.model_fields_set and getattr(self, field) is None
            for name in (field, info.alias)
        }
        return {key: value for key, value in handler(self).items() if key not in absent}


class Position(Wire):
    x: float = 0
    y: float = 0


class SubBlock(Wire):
    """One setting of a block; ``value`` may hold references and secrets."""

    id: str
    type: str = "short-input"
    value: JsonValue = None


class Retry(Wire):
    max_tries: int = Field(1, ge=1, le=5)
    wait_ms: int = Field(1000, ge=0, le=60_000)


class BlockData(Wire):
    parent_id: str | None = None


class Block(Wire):
    id: str = Field(min_length=1, max_length=200)
    type: str = Field(min_length=1, max_length=100)
    name: str = Field(min_length=1, max_length=200)
    position: Position = Field(default_factory=Position)
    enabled: bool = True
    sub_blocks: dict[str, SubBlock] = Field(default_factory=dict)
    outputs: JsonValue = Field(default_factory=dict)
    retry: Retry | None = None
    timeout_ms: int | None = Field(None, ge=1, le=86_400_000)
    error_enabled: bool | None = None
    data: BlockData | None = None

    @property
    def key(self) -> str:
        """The name references use: lower-cased, spaces dropped."""
        return normalised(self.name)

    @property
    def parent_id(self) -> str | None:
        """Id of the loop or parallel container this block stands in."""
        return self.data.parent_id if self.data else None

    def values(self) -> dict[str, JsonValue]:
        """Settings that were filled in, unresolved; null and the empty string count as absent."""
        return {k: s.value for k, s in self.sub_blocks.items() if s.value not in (None, "")}


class Edge(Wire):
    id: str = Field(min_length=1, max_length=300)
    source: str
    target: str
    source_handle: str | None = None
    target_handle: str | None = None

    @property
    def handle(self) -> str:
        return self.source_handle or "source"


class Loop(Wire):
    """How a container repeats; what its settings mean stands in ``pipelines.blocks.loop``."""

    id: str
    nodes: list[str] = Field(default_factory=list)
    loop_type: str = "for"
    iterations: JsonValue = None
    for_each_items: JsonValue = None
    while_condition: str | None = None


class Parallel(Wire):
    """How a container runs side by side; see ``pipelines.blocks.parallel``."""

    id: str
    nodes: list[str] = Field(default_factory=list)
    parallel_type: str = "count"
    count: JsonValue = None
    distribution: JsonValue = None
    batch_size: JsonValue = None


def filled(container: Loop | Parallel) -> dict[str, JsonValue]:
    """Return the settings of a container that were filled in, by their wire names."""
    wire: dict[str, JsonValue] = container.model_dump(mode="json", by_alias=True)
    return {key: value for key, value in wire.items() if value not in (None, "")}


class Variable(Wire):
    id: str
    name: str = Field(min_length=1, max_length=200)
    type: str = "string"
    value: JsonValue = None


class Definition(Wire):
    """Blocks and what joins them; maps are keyed by id."""

    blocks: dict[str, Block] = Field(default_factory=dict, max_length=MAX_BLOCKS)
    edges: list[Edge] = Field(default_factory=list, max_length=MAX_EDGES)
    loops: dict[str, Loop] = Field(default_factory=dict)
    parallels: dict[str, Parallel] = Field(default_factory=dict)
    variables: dict[str, Variable] = Field(default_factory=dict)

    def values(self, block: Block) -> dict[str, JsonValue]:
        """Return a block's settings that were filled in; a container's stand in its own map."""
        container = self.container(block.id)
        return {**(filled(container) if container else {}), **block.values()}

    def container(self, block_id: str) -> Loop | Parallel | None:
        """Return what makes a block a loop or a parallel, None for any other block."""
        return self.loops.get(block_id) or self.parallels.get(block_id)

    def wire(self) -> dict[str, JsonValue]:
        """Return the definition as it goes over the wire and into the database."""
        return self.model_dump(mode="json", by_alias=True)


def normalised(name: str) -> str:
    """Return the form of a block's name that references use."""
    return "".join(name.lower().split())


def parse(raw: Mapping[str, object]) -> Definition:
    """Read a definition; raise ``ValidationFailed`` naming the block whose fields are wrong."""
    try:
        return Definition.model_validate(raw)
    except ValidationError as error:
        issues = issues_of(error)
        first = issues[0]
        raise ValidationFailed(
            f"{_subject(raw, first['path'])}: {first['message']}. Correct it and send it again.",
            {"issues": issues},
        ) from error


def _subject(raw: Mapping[str, object], path: str) -> str:
    """Name the block (or the place) a path of pydantic's points at."""
    parts = path.split(".")
    blocks = raw.get("blocks")
    if parts[0] == "blocks" and len(parts) > 1 and isinstance(blocks, dict):
        block = blocks.get(parts[1])
        name = block.get("name") if isinstance(block, dict) else None
        return f'Block "{name or parts[1]}", {".".join(parts[2:]) or "the block"}'
    return path or "The definition"
