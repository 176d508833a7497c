"""Size and depth of JSON values, measured without recursion."""

from __future__ import annotations

import math
from typing import Any, Final

from core.errors import ValidationFailed

MAX_DEPTH: Final = 100
_SCALAR_BYTES: Final = 8


class JsonTooDeep(ValidationFailed):
    """A value is nested deeper than anything here walks through."""

    def __init__(self) -> None:
        super().__init__(f"A value is nested deeper than {MAX_DEPTH} levels; flatten it.")


def measure_json(value: Any, limit: float = math.inf) -> int:
    """Return about how many bytes a value takes as JSON.

    Stop soon after ``limit``: a value that holds another many times over may be small in memory
    and without end when it is written. Raises ``JsonTooDeep``.
    """
    size, level, depth = 0, [value], 0
    while level and size <= limit:
        if depth > MAX_DEPTH:
            raise JsonTooDeep
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                size += 2 + _bytes_of(item)
            elif isinstance(item, dict):
                size += 2 + sum(4 + _bytes_of(str(key)) for key in item)
                below += item.values()
            elif isinstance(item, list | tuple):
                size += 2 + 2 * len(item)
                below += item
            else:
                size += _SCALAR_BYTES
            if size > limit:
                return size
        level, depth = below, depth + 1
    return size


def require_depth(value: Any) -> None:
    """Raise ``JsonTooDeep`` for a value that was read from JSON and is nested too deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
    if level:
        raise JsonTooDeep


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
