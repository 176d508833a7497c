"""A node of Dify's on its way to a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue

from pipelines.imports.dify_references import References
from pipelines.imports.draft import Draft, Origin

_NOISE: Final = {"type", "title", "desc", "selected", "height", "width", "variables", "model"}


@dataclass(frozen=True)
class Node:
    """A node on its way: where it stands, its data, its references, and the draft it goes into."""

    origin: Origin
    data: dict[str, Any]
    references: References
    draft: Draft

    def rest(self, *read: str) -> dict[str, JsonValue]:
        """Return the data that nothing here has read."""
        return {
            key: value
            for key, value in self.data.items()
            if key not in {*_NOISE, *read} and value not in (None, "", [], {})
        }


def leave(node: Node, why: str) -> None:
    """Leave the node's block disabled, with all that is not only looks."""
    kept = {name: node.data[name] for name in ("variables", "model") if node.data.get(name)}
    node.draft.leave(node.origin, {**node.rest(), **kept}, why)


def parameters_of(data: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return what is given under a key of tools and agents, each ``{type, value}``."""
    given = data.get(key)
    return list(given.items()) if isinstance(given, Mapping) else []


def parameter(node: Node, given: object) -> JsonValue:
    """Return a parameter with its references as ours."""
    value = value_of(given)
    is_selector = isinstance(given, Mapping) and given.get("type") == "variable"
    if is_selector and isinstance(value, list):
        return node.references.token(value)
    found: JsonValue = node.references.text(value) if isinstance(value, str) else value
    return found


def value_of(given: object) -> Any:
    return given.get("value") if isinstance(given, Mapping) else given
