"""``start``: where a run begins; its outputs are the fields of the run's input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import INPUT, BlockComponent
from pipelines.blocks.fields import InputField, check, typed
from pipelines.blocks.level_execution import LevelExecution
from pipelines.blocks.outside import begin_outside


class StartSettings(BlockSettings):
    input_format: list[InputField] = Field(default_factory=list)


@component
class Start(BlockComponent[StartSettings]):
    type_name = "start"
    title = "Start"
    description = "Begins the run; refer to the input by <start.input> and to a field by its name."
    outputs: ClassVar = {"input": "any"}
    open_outputs = True
    settings = StartSettings
    takes_input = True

    def __init__(
        self, *args: Any, variables: dict[str, JsonValue] | None = None, **more: Any
    ) -> None:
        self.variables = variables or {}
        BlockComponent.__init__(self, *args, **more)

    @override
    def init_values(self) -> dict[str, Any]:
        more = {"variables": self.variables} if self.variables else {}
        return {**BlockComponent.init_values(self), **more}

    @override
    def begin_outside(self, inputs: Mapping[str, Any]) -> LevelExecution:
        return begin_outside(inputs.get(INPUT), self.variables)

    @override
    async def execute(self, context: Context, settings: StartSettings) -> Output:
        given = context.input if isinstance(context.input, dict) else {}
        check(settings.input_format, given)
        return {"input": context.input, **given, **typed(settings.input_format, given)}
