"""What a workflow's output says, where a person is to read or hear it."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

_TEXTS: Final = ("content", "text", "answer", "response", "message", "output", "data")


def text_of(output: JsonValue) -> str:
    """Return the text of an output; empty where it has none."""
    if isinstance(output, str):
        return output
    if isinstance(output, dict):
        for name in _TEXTS:
            found = text_of(output.get(name))
            if found:
                return found
    return ""
