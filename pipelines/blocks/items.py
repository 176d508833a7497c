"""What loops and parallels share: the items they go over, and their limits."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

MAX_ITERATIONS = 10_000  # of one container


def _listed(given: JsonValue) -> JsonValue:
    """Read a list, an object (its entries as ``key`` and ``value``) or the JSON text of either."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                "it is a text, not a list; make it a list or the JSON of one"
            ) from error
    if isinstance(given, dict):
        return [{"key": key, "value": value} for key, value in given.items()]
    return given


Items = Annotated[list[JsonValue], Field(max_length=MAX_ITERATIONS), BeforeValidator(_listed)]
"""Items to go over."""
