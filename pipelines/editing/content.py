"""What a workflow holds, as edits see it: its name and description beside the parts."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from core.errors import PayloadTooLarge, ValidationFailed
from core.store.workflows import Workflow
from pipelines.editing.patch import PARTS, Content
from pipelines.validity import require_valid
from pipelines.workflow import parse

_LARGEST: Final = 10_000_000  # characters of JSON
_SMALL: Final = 60  # blocks that are checked at once; more would hold up the event loop
_LONGEST_NAME: Final = 200
_LONGEST_DESCRIPTION: Final = 5000


def content_of(row: Workflow) -> Content:
    """Return what a stored workflow holds."""
    parts = {part: row.definition.get(part) or ([] if part == "edges" else {}) for part in PARTS}
    return {"name": row.name, "description": row.description, **parts}


async def checked(content: Content) -> Content:
    """Return a content as it is stored; raises ``ValidationFailed`` for what makes no sense."""
    if len(content["blocks"]) <= _SMALL:
        return _checked(content)
    return await asyncio.to_thread(_checked, content)


def _checked(content: Content) -> Content:
    _require_storable(content)
    name, description = content["name"], content["description"]
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise ValidationFailed(f"The name is a text of 1 to {_LONGEST_NAME} characters.")
    if not (description is None or isinstance(description, str)):
        raise ValidationFailed("The description is a text, or null.")
    if description is not None and len(description) > _LONGEST_DESCRIPTION:
        raise ValidationFailed(f"The description has at most {_LONGEST_DESCRIPTION} characters.")
    definition = parse({part: content[part] for part in PARTS})
    require_valid(definition, runnable=False)
    wire: dict[str, Any] = definition.wire()
    return {"name": name.strip(), "description": description, **wire}


def _require_storable(content: Content) -> None:
    try:
        text = json.dumps(content, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(
            "The workflow holds what is no JSON, or is nested too deeply; correct it."
        ) from error
    if "\\u0000" in text:
        raise ValidationFailed("The workflow holds NUL in a text; remove it.")
    if len(text) > _LARGEST:
        raise PayloadTooLarge(f"A workflow has at most {_LARGEST} characters; make it smaller.")
