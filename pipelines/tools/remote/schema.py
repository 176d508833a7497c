"""Schemas that others wrote, made safe to check arguments against.

A reference to elsewhere would be fetched, a pattern may take for ever to match, and nesting has no
end of its own: none of it is kept. What is left is JSON Schema, draft 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jsonschema
from jsonschema import Draft202012Validator
from pydantic import JsonValue

from core.errors import ValidationFailed

_MOST_NODES: Final = 5_000
_DEEPEST: Final = 40
_NAMED: Final = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_DATA: Final = frozenset({"enum", "const", "default", "examples", "example", "required"})
_LEFT_AWAY: Final = frozenset(
    {"$id", "$schema", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment"}
    | {"pattern", "patternProperties", "format", "contentSchema", "id"}
)


class SchemaUnusable(ValidationFailed):
    """A schema is none, or too large or deep to be used."""


def cleaned(schema: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the schema of a tool's arguments as it is kept; raises ``SchemaUnusable``."""
    kept = _Cleaner().schema({"type": "object", **schema}, 0)
    if not isinstance(kept, dict) or kept.get("type") != "object":
        raise SchemaUnusable("its parameters are no object")
    try:
        Draft202012Validator.check_schema(kept)
    except (jsonschema.SchemaError, RecursionError) as error:
        raise SchemaUnusable("the schema of its parameters is no JSON Schema") from error
    return kept


def require_fit(name: str, schema: Mapping[str, Any], arguments: Mapping[str, JsonValue]) -> None:
    """Raise ``ValidationFailed`` unless arguments fit, with a sentence that says what does not."""
    try:
        found = next(Draft202012Validator(schema).iter_errors(dict(arguments)), None)
    except Exception as error:  # of a schema that refers to itself, or to nothing
        raise ValidationFailed(f"The schema of {name} cannot be used: refresh it.") from error
    if found is not None:
        path = ".".join(map(str, found.absolute_path))
        message = found.message[:500]
        said = f"Correct the parameters of {name}: {path or 'arguments'}: {message}."
        raise ValidationFailed.at(path, message, str(found.validator), sentence=said)


class _Cleaner:
    def __init__(self) -> None:
        self._nodes = 0

    def schema(self, value: Any, depth: int) -> Any:
        self._nodes += 1
        if depth > _DEEPEST or self._nodes > _MOST_NODES:
            raise SchemaUnusable("the schema of its parameters is too large")
        if isinstance(value, list):
            return [self.schema(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        kept = {
            key: self._under(key, item, depth)
            for key, item in value.items()
            if key not in _LEFT_AWAY and not (key == "$ref" and not _is_local(item))
        }
        return _modern(kept)

    def _under(self, key: str, value: Any, depth: int) -> Any:
        if key in _DATA:
            return value
        if key in _NAMED and isinstance(value, dict):
            return {name: self.schema(item, depth + 1) for name, item in value.items()}
        return self.schema(value, depth + 1)


def _is_local(reference: Any) -> bool:
    return isinstance(reference, str) and reference.startswith("#")


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of OpenAPI 3.0 as one of 2020-12."""
    if schema.pop("nullable", False) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    for strict, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(schema.get(strict), bool) and schema.pop(strict) and bound in schema:
            schema[strict] = schema.pop(bound)
    return schema
