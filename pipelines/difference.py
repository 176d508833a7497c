"""What differs between two definitions of a workflow, part by part and field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import JsonValue

PARTS: Final = ("blocks", "edges", "loops", "parallels", "variables")
How = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class FieldChange:
    """A field that differs: ``path`` as in ``subBlocks.prompt.value``; None where it is absent."""

    path: str
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True)
class Change:
    """A block, edge, container or variable that differs; ``fields`` of one that was changed."""

    id: str
    name: str | None
    how: How
    fields: list[FieldChange] = field(default_factory=list)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Change]]:
    """Return the changes of each part that lead from one definition, as on the wire, to another."""
    return {part: list(_changes(_by_id(before, part), _by_id(after, part))) for part in PARTS}


def _by_id(definition: Mapping[str, Any], part: str) -> dict[str, Any]:
    things = definition.get(part) or {}
    return {thing["id"]: thing for thing in things} if isinstance(things, list) else dict(things)


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for thing_id in dict.fromkeys([*before, *after]):
        old, new = before.get(thing_id), after.get(thing_id)
        name = (new or old or {}).get("name")
        if old is None or new is None:
            yield Change(thing_id, name, "added" if old is None else "removed")
        elif fields := list(_fields(old, new, "")):
            yield Change(thing_id, name, "changed", fields)


def _fields(old: Any, new: Any, path: str) -> Iterator[FieldChange]:
    """Yield what differs, down to texts, numbers and whole lists."""
    if old == new:
        return
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield FieldChange(path, old, new)
        return
    for key in dict.fromkeys([*old, *new]):
        yield from _fields(old.get(key), new.get(key), f"{path}.{key}" if path else key)
