"""Haystack's filters in the notation of the service's own search; see ``core.store.filters``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_COMPARISONS: Final = {
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "in": "in",
    "not in": "nin",
}
_FIELDS: Final = {"documentId": "documentId", "documentName": "fileName"}


def translate_filter(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter, which was checked to be one of Haystack's, in the search's notation."""
    operator = filters["operator"]
    if "field" in filters:
        name = str(filters["field"]).removeprefix("meta.")
        field = _FIELDS.get(name, f"metadata.{name}")
        return {"field": field, "op": _COMPARISONS[operator], "value": filters["value"]}
    parts = [translate_filter(part) for part in filters["conditions"]]
    return {"not": {"and": parts}} if operator == "NOT" else {operator.lower(): parts}
