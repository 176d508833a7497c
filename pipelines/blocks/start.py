"""``start``: where a run begins; its outputs are the fields of the run's input."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output
from pipelines.blocks.fields import InputField, check, typed


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
        check(settings.input_format, given)
        return {"input": context.input, **given, **typed(settings.input_format, given)}
