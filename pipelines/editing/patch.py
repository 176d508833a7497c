"""What an edit changes, as a list of steps that anybody can follow, forwards and back.

A step is ``{"op": "set", "path": […], "value": …}`` or ``{"op": "remove", "path": […]}``. Paths are
``[name]``, ``[description]``, ``[part, id]`` and, inside a block, ``[blocks, id, field]`` and
``[blocks, id, subBlocks, key]``; what is below is replaced whole. Edges are named by their id, as
the other parts are, though a definition holds them as a list.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from core.errors import ValidationFailed

PARTS: Final = ("blocks", "edges", "loops", "parallels", "variables")
FIELDS: Final = ("name", "description")
Step = dict[str, Any]
Content = dict[str, Any]  # the five parts, and the two fields
_DEEPEST: Final = {"blocks": (2, 3, 4)}  # lengths of paths; [part, id] in the other parts


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are, 1 and true are not. A whole number is
    the same as the double that stands for it where there are doubles only."""
    if one is other:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if one == other:
        return True
    is_mixed = isinstance(one, int | float) and isinstance(other, int | float)
    return is_mixed and type(one) is not type(other) and float(one) == float(other)


def difference(before: Content, after: Content) -> list[Step]:
    """Return the steps that lead from one content to another."""
    steps = [
        _set([name], after.get(name))
        for name in FIELDS
        if not same(before.get(name), after.get(name))
    ]
    for part in PARTS:
        steps += _between(by_id(before, part), by_id(after, part), [part])
    return steps


def by_id(content: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return a part keyed by id, edges too."""
    things = content.get(part) or {}
    return {thing["id"]: thing for thing in things} if isinstance(things, list) else things


def _between(old: dict[str, Any], new: dict[str, Any], path: list[str]) -> Iterator[Step]:
    for key in old.keys() - new.keys():
        yield {"op": "remove", "path": [*path, key]}
    for key, value in new.items():
        place = [*path, key]
        if key not in old:
            yield _set(place, value)
        elif not same(old[key], value):
            if _has_fields(place) and isinstance(old[key], dict) and isinstance(value, dict):
                yield from _between(old[key], value, place)
            else:
                yield _set(place, value)


def _has_fields(path: list[str]) -> bool:
    """Whether what stands at a path is changed field by field."""
    return path[0] == "blocks" and (len(path) == 2 or path[2:] == ["subBlocks"])


def _set(path: list[str], value: Any) -> Step:
    return {"op": "set", "path": path, "value": value}


def patched(content: Content, steps: Iterable[Mapping[str, Any]]) -> Content:
    """Return what steps make of a content, which stays as it is; raises ``ValidationFailed`` for
    a step whose place is not there."""
    found = {part: dict(by_id(content, part)) for part in PARTS}
    fields = {name: content.get(name) for name in FIELDS}
    own: set[tuple[str, ...]] = set()
    for step in steps:
        path = step["path"]
        if len(path) == 1 and path[0] in FIELDS and step["op"] == "set":
            fields[path[0]] = step["value"]
        elif path and path[0] in PARTS and len(path) in _DEEPEST.get(path[0], (2,)):
            _follow(found, step, own)
        else:
            raise ValidationFailed(f"There is no place {path} in a workflow; see docs/editing.md.")
    return {**fields, **found, "edges": list(found["edges"].values())}


def _follow(found: dict[str, Any], step: Mapping[str, Any], own: set[tuple[str, ...]]) -> None:
    *around, last = step["path"]
    place: Any = found
    for depth, key in enumerate(around):
        if not isinstance(place, dict) or not isinstance(place.get(key), dict):
            raise ValidationFailed(f"There is nothing at {around}; load the workflow anew.")
        at = tuple(around[: depth + 1])
        if depth and at not in own:
            place[key] = dict(place[key])
            own.add(at)
        place = place[key]
    if step["op"] == "set":
        place[last] = copy.deepcopy(step["value"])
        own -= {at for at in own if at[: len(around) + 1] == (*around, last)}
    elif last in place:
        del place[last]
    else:
        raise ValidationFailed(f"There is nothing at {[*around, last]}; load the workflow anew.")
