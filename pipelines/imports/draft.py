"""A workflow while it is read out of another format: blocks, what joins them, and what is to say.

What has no counterpart here is left as a disabled block under its own name, with its original type
and settings in ``data.imported``; a disabled block lets a run through as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from pipelines.validity import RESERVED
from pipelines.workflow import normalised

_UNNAMEABLE = re.compile(r"[^\w() -]+")
_LONGEST_NAME = 80
Values = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Origin:
    """Where a block stood: its id, name here, type and place there, and the container around it."""

    id: str
    name: str
    type: str
    position: JsonValue = None
    parent: str | None = None


@dataclass
class Draft:
    """``source`` names the format; ``model`` stands in for every model that is named."""

    source: str
    model: str | None = None
    blocks: dict[str, JsonValue] = field(default_factory=dict)
    edges: list[JsonValue] = field(default_factory=list)
    loops: dict[str, JsonValue] = field(default_factory=dict)
    parallels: dict[str, JsonValue] = field(default_factory=dict)
    variables: dict[str, JsonValue] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)
    _literals: dict[str, str] = field(default_factory=dict)

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def name(self, title: str, *, is_start: bool = False) -> str:
        """Return a name of its own, near the title, that references can spell."""
        base = " ".join(_UNNAMEABLE.sub("-", title).split())[:_LONGEST_NAME].strip("- ") or "block"
        is_taken = base[0].isdigit() or not (base[0].isalpha() or base[0] == "_")
        if is_taken or normalised(base) in {*RESERVED, *(() if is_start else ("start",))}:
            base = f"block {base}"
        name, number = base, 2
        while normalised(name) in self._keys:
            name, number = f"{base} {number}", number + 1
        self._keys.add(normalised(name))
        return name

    def add(self, origin: Origin, kind: str, settings: Values, rest: Values | None = None) -> None:
        """Add a block; ``rest`` are settings of its original that have no counterpart."""
        self._put(origin, kind, settings, rest, enabled=True)

    def leave(self, origin: Origin, settings: Values, why: str) -> None:
        """Leave a block disabled, and say why."""
        self.warn(f'Block "{origin.name}" ({origin.type}) is left disabled: {why}.')
        self._put(origin, "tool", {}, settings, enabled=False)

    def note(self, origin: Origin, settings: Values) -> None:
        """Keep what is only there to be read."""
        self.warn(f'Note "{origin.name}" is kept as a disabled block; it does nothing.')
        self._put(origin, "template", {}, settings, enabled=False)

    def join(self, source: str, target: str, handle: str | None) -> None:
        edge: dict[str, JsonValue] = {
            "id": f"e{len(self.edges) + 1}",
            "source": source,
            "target": target,
        }
        self.edges.append(edge | ({"sourceHandle": handle} if handle else {}))

    def literal(self, text: str) -> str:
        """Return a reference to a text that would be read as a reference if it stood there."""
        name = next((n for n, v in self._literals.items() if v == text), None)
        if name is None:
            name = f"literal_{len(self._literals) + 1}"
            self._literals[name] = text
            self.variables[name] = {"id": name, "name": name, "type": "string", "value": text}
        return f"<variable.{name}>"

    def model_named(self, named: str) -> str:
        """Return the model to ask where the original names one."""
        if self.model is None:
            return named
        if named and named != self.model:
            self.warn(f"The model {self.model} stands in for {named}.")
        return self.model

    def definition(self) -> dict[str, JsonValue]:
        return {
            "blocks": self.blocks,
            "edges": self.edges,
            "loops": self.loops,
            "parallels": self.parallels,
            "variables": self.variables,
        }

    def _put(
        self, origin: Origin, kind: str, settings: Values, rest: Values | None, *, enabled: bool
    ) -> None:
        data: dict[str, JsonValue] = {"parentId": origin.parent} if origin.parent else {}
        if rest or not enabled:
            told: dict[str, JsonValue] = {"from": self.source, "type": origin.type}
            data["imported"] = {**told, "settings": dict(rest or {})}
        block: dict[str, JsonValue] = {
            "id": origin.id,
            "type": kind,
            "name": origin.name,
            "enabled": enabled,
            "subBlocks": {
                key: {"id": key, "type": "imported", "value": value}
                for key, value in settings.items()
                if value is not None
            },
        }
        if data:
            block["data"] = data
        if isinstance(origin.position, dict):
            block["position"] = {axis: origin.position.get(axis) or 0 for axis in ("x", "y")}
        self.blocks[origin.id] = block
