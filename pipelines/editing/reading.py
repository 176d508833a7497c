"""Reading a changed workflow where it changed: an edit of one block costs no reading of the others.

Edits share with the content before them whatever they leave as it was, so that an entry that is
the very same object needs no second look. Where anything is odd, ``read_change`` gives up and the
whole is read, which says what is wrong and where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import pydantic_core
from pydantic import ValidationError

from pipelines.editing.patch import PARTS, Content
from pipelines.workflow import (
    MAX_BLOCKS,
    MAX_EDGES,
    Block,
    Definition,
    Edge,
    Loop,
    Parallel,
    Variable,
    Wire,
)

NUL: Final = "\\u0000"
_DEEPEST: Final = 100  # lists and objects inside one another, as in updates of CRDT clients
_WRITTEN_DEPTH: Final = 254  # what pydantic's JSON goes down to
_HUGE: Final = re.compile(r"\d{309}")
_MODELS: Final[dict[str, type[Wire]]] = {
    "blocks": Block,
    "edges": Edge,
    "loops": Loop,
    "parallels": Parallel,
    "variables": Variable,
}


@dataclass(frozen=True)
class Read:
    """A definition; ``size``: characters of JSON of what was read for it."""

    definition: Definition
    size: int


def storable(value: object) -> str:
    """Return a value as JSON; raises ``ValueError`` or ``RecursionError`` for what is none, what is
    nested deeper than a document's values may be, and numbers that no double holds."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    _require_shallow(value)
    if _HUGE.search(text):  # may be in a text
        json.loads(text, parse_int=_within_doubles)
    return text


def _require_shallow(value: object) -> None:
    # Written by what stops at a depth of its own, which is quicker than looking at each value.
    for _ in range(_WRITTEN_DEPTH - _DEEPEST):
        value = [value]
    pydantic_core.to_json(value)


def _within_doubles(digits: str) -> int:
    number = int(digits)
    try:
        float(number)
    except OverflowError as error:
        raise ValueError("a number that no double holds") from error
    return number


def read_change(content: Content, before: Content, definition: Definition) -> Read | None:
    """Return a content that came from one that was read as ``definition``; ``None`` where it has to
    be read whole."""
    if any(type(content[part]) is not type(before[part]) for part in PARTS):
        return None
    if len(content["blocks"]) > MAX_BLOCKS or len(content["edges"]) > MAX_EDGES:
        return None
    found: dict[str, Any] = {}
    try:
        size = _size([content["name"], content["description"]])
        for part in PARTS:
            models, read = _part(part, content[part], _by_entry(before, definition, part))
            found[part], size = models, size + read
    except (ValidationError, ValueError, RecursionError):
        return None
    return Read(Definition.model_construct(**found), size)


def _part(part: str, entries: Any, known: dict[int, Wire]) -> tuple[Any, int]:
    """Return the models of a part's entries, and the characters of those that were read."""
    size = 0

    def read(entry: Any) -> Wire:
        nonlocal size
        model = known.get(id(entry))
        if model is None:
            size += _size(entry)
            model = _MODELS[part].model_validate(entry)
        return model

    if isinstance(entries, list):
        return [read(entry) for entry in entries], size
    size += _size(list(entries))
    return {key: read(entry) for key, entry in entries.items()}, size


def _size(value: object) -> int:
    """Return the characters of JSON that a value has; raises ``ValueError`` as ``storable`` does,
    and for NUL."""
    text = storable(value)
    if NUL in text:
        raise ValueError(NUL)
    return len(text)


def _by_entry(content: Content, definition: Definition, part: str) -> dict[int, Any]:
    """Return the models of a part by the identity of the entries that they were read from."""
    models = _values(getattr(definition, part))
    return {id(entry): m for entry, m in zip(_values(content[part]), models, strict=True)}


def _values(part: Any) -> Collection[Any]:
    values: Collection[Any] = part if isinstance(part, list) else part.values()
    return values


def written(
    definition: Definition, before: tuple[Content, Definition] | None
) -> dict[str, dict[str, Any] | list[Any]]:
    """Return a definition as it is stored, what was there before by the same objects."""
    if before is None:
        return definition.wire()  # type: ignore[return-value]
    found: dict[str, dict[str, Any] | list[Any]] = {}
    for part in PARTS:
        models = getattr(definition, part)
        known = {
            id(model): entry
            for entry, model in zip(
                _values(before[0][part]), _values(getattr(before[1], part)), strict=True
            )
        }
        if isinstance(models, list):
            found[part] = [_entry(model, known) for model in models]
        else:
            found[part] = {key: _entry(model, known) for key, model in models.items()}
    return found


def _entry(model: Wire, known: dict[int, Any]) -> Any:
    return known.get(id(model)) or model.model_dump(mode="json", by_alias=True)


def is_same_to_rules(before: Definition, after: Definition) -> bool:
    """Whether no rule for drafts can tell two definitions apart: where a block stands on the screen
    and the value of a variable are nothing to them."""
    return (
        _same_all(before.edges, after.edges)
        and _same_all(before.loops.values(), after.loops.values())
        and _same_all(before.parallels.values(), after.parallels.values())
        and list(before.blocks) == list(after.blocks)
        and all(map(_is_same_block, before.blocks.values(), after.blocks.values()))
        and _names(before) == _names(after)
    )


def _same_all(before: Collection[Any], after: Collection[Any]) -> bool:
    pairs = zip(before, after, strict=False)
    return len(before) == len(after) and all(one is other for one, other in pairs)


def _is_same_block(one: Block, other: Block) -> bool:
    return one is other or _seen(one) == _seen(other)


def _seen(block: Block) -> tuple[object, ...]:
    return (block.id, block.type, block.name, block.sub_blocks, block.data)


def _names(definition: Definition) -> set[str]:
    return {variable.name for variable in definition.variables.values()}
