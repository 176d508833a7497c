"""``start``: where a run begins; its outputs are the fields of the run's input."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, JsonValue, TypeAdapter, ValidationError
from typing_extensions import override

from core.errors import ValidationFailed
from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output

_TYPES: dict[str, TypeAdapter[JsonValue]] = {
    "string": TypeAdapter(str),
    "number": TypeAdapter(int | float),
    "boolean": TypeAdapter(bool),
    "object": TypeAdapter(dict[str, JsonValue]),
    "array": TypeAdapter(list[JsonValue]),
}


class InputField(BlockSettings):
    """A field the run's input should have; ``value`` stands in when it does not."""

    name: str = ""
    type: str = "string"
    value: JsonValue = None


class StartSettings(BlockSettings):
    input_format: list[InputField] = Field(default_factory=list)


class Start(BlockKind[StartSettings]):
    type_name = "start"
    title = "Start"
    description = "Begins the run; refer to the input by <start.input> and to a field by its name."
    outputs: ClassVar = {"input": "any"}
    open_outputs = True
    settings = StartSettings

    @override
    async def run(self, context: Context, settings: StartSettings) -> Output:
        given = context.input if isinstance(context.input, dict) else {}
        declared = {
            field.name: _typed(field, given.get(field.name))
            for field in settings.input_format
            if field.name
        }
        return {"input": context.input, **given, **declared}


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
