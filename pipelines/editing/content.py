"""What a workflow holds, as edits see it: its name and description beside the parts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from core.errors import PayloadTooLarge, ValidationFailed
from core.store.workflows import Workflow
from pipelines.editing.patch import PARTS, Content
from pipelines.editing.reading import (
    NUL,
    Read,
    is_same_to_rules,
    read_change,
    storable,
    written,
)
from pipelines.validity import require_valid
from pipelines.workflow import Definition, parse

_LARGEST: Final = 10_000_000  # characters of JSON
_SMALL: Final = 60  # blocks that are checked at once; more would hold up the event loop
_LONGEST_NAME: Final = 200
_LONGEST_DESCRIPTION: Final = 5000


def content_of(row: Workflow) -> Content:
    """Return what a stored workflow holds."""
    parts = {part: row.definition.get(part) or ([] if part == "edges" else {}) for part in PARTS}
    return {"name": row.name, "description": row.description, **parts}


@dataclass(frozen=True)
class Known:
    """A content that was checked, as it is stored, and what reading it came to.

    ``size``: characters of JSON, at most.
    """

    content: Content
    definition: Definition
    size: int


async def checked(content: Content) -> Content:
    """Return a content as it is stored; raises ``ValidationFailed`` for what makes no sense."""
    return (await examined(content, None)).content


async def examined(content: Content, before: Known | None) -> Known:
    """Check a content, of which only what is not ``before``'s own is looked at; raises
    ``ValidationFailed`` for what makes no sense."""
    blocks = content["blocks"]
    if not isinstance(blocks, dict) or len(blocks) <= _SMALL:
        return _examined(content, before)
    return await asyncio.to_thread(_examined, content, before)


def _examined(content: Content, before: Known | None) -> Known:
    read = None if before is None else _read_change(content, before)
    if read is None:  # what is wrong is said after reading it whole
        read = Read(parse({part: content[part] for part in PARTS}), _require_storable(content))
    name, description = _checked_fields(content)
    if before is None or not is_same_to_rules(before.definition, read.definition):
        require_valid(read.definition, runnable=False)
    whole = None if before is None else (before.content, before.definition)
    wire = written(read.definition, whole)
    return Known({"name": name, "description": description, **wire}, read.definition, read.size)


def _read_change(content: Content, before: Known) -> Read | None:
    read = read_change(content, before.content, before.definition)
    if read is None or before.size + read.size > _LARGEST:
        return None
    return Read(read.definition, before.size + read.size)


def _checked_fields(content: Content) -> tuple[str, str | None]:
    name, description = content["name"], content["description"]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise ValidationFailed(f"The name is a text of 1 to {_LONGEST_NAME} characters.")
    if not (description is None or isinstance(description, str)):
        raise ValidationFailed("The description is a text, or null.")
    if description is not None and len(description) > _LONGEST_DESCRIPTION:
        raise ValidationFailed(f"The description has at most {_LONGEST_DESCRIPTION} characters.")
    return name.strip(), description


def _require_storable(content: Content) -> int:
    """Return how many characters of JSON a content has."""
    try:
        text = storable(content)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(
            "The workflow holds what is no JSON, a number beyond 1.8e308, or lists in lists"
            " a hundred deep; correct it."
        ) from error
    if NUL in text:
        raise ValidationFailed("The workflow holds NUL in a text; remove it.")
    if len(text) > _LARGEST:
        raise PayloadTooLarge(f"A workflow has at most {_LARGEST} characters; make it smaller.")
    return len(text)
