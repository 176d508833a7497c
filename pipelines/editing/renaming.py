"""References to a block follow its new name."""

from __future__ import annotations

import re
from typing import Any

from core.errors import ValidationFailed
from pipelines.editing.patch import Content
from pipelines.references import TOKEN
from pipelines.workflow import normalised


def renamed(content: Content, old: str, new: str) -> Content:
    """Return a content whose settings refer to a block by its new name.

    Raises ``ValidationFailed`` where something refers to it and no reference can spell that name.
    """
    before, after = normalised(old), normalised(new)
    if before == after:
        return content

    def follow(match: re.Match[str]) -> str:
        if match["name"] is None or match["name"].lower() != before:
            return match[0]
        if TOKEN.fullmatch(f"<{after}{match['path']}>") is None:
            raise ValidationFailed(
                f"No reference can spell {new!r}, and there are some to {old!r}."
            )
        return f"<{after}{match['path']}>"

    blocks = {
        key: {**block, "subBlocks": _in_all(block.get("subBlocks") or {}, follow)}
        for key, block in content["blocks"].items()
    }
    return {
        **content,
        "blocks": blocks,
        "loops": _in_all(content["loops"], follow),
        "parallels": _in_all(content["parallels"], follow),
    }


def _in_all(value: Any, follow: Any) -> Any:
    if isinstance(value, str):
        return TOKEN.sub(follow, value) if "<" in value else value
    if isinstance(value, list):
        return [_in_all(item, follow) for item in value]
    if isinstance(value, dict):
        return {key: _in_all(item, follow) for key, item in value.items()}
    return value
