"""Fields that an input should have: a run's, or an answer to what a run asks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue, TypeAdapter, ValidationError

from core.errors import ValidationFailed, issue
from pipelines.blocks.base import BlockSettings, Output

_TYPES: dict[str, TypeAdapter[JsonValue]] = {
    "string": TypeAdapter(str),
    "number": TypeAdapter(int | float),
    "boolean": TypeAdapter(bool),
    "object": TypeAdapter(dict[str, JsonValue]),
    "array": TypeAdapter(list[JsonValue]),
}


class InputField(BlockSettings):
    """A field an input should have; ``value`` stands in when it does not."""

    name: str = ""
    type: str = "string"
    value: JsonValue = None
    required: bool = False


def typed(fields: Sequence[InputField], given: JsonValue) -> Output:
    """Return the named fields of an input; raise ``ValidationFailed`` for one of another type."""
    known = given if isinstance(given, dict) else {}
    return {field.name: _typed(field, known.get(field.name)) for field in fields if field.name}


def check(fields: Sequence[InputField], given: JsonValue) -> None:
    """Raise ``ValidationFailed`` where an input lacks a field, or has one of another type."""
    values = typed(fields, given)
    missing = [f.name for f in fields if f.required and values.get(f.name) in (None, "")]
    if missing:
        raise ValidationFailed(
            f"The input lacks {', '.join(missing)}; send it.",
            {"issues": [issue(f"input.{name}", "missing", "missing") for name in missing]},
        )


def _typed(field: InputField, value: JsonValue) -> JsonValue:
    value = field.value if value is None else value
    adapter = _TYPES.get(field.type)
    if adapter is None or value in (None, ""):
        return value
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValidationFailed(
            f"The input field {field.name} must be of type {field.type}; send it so."
        ) from error
