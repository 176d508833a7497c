"""``variables``: sets workflow variables for the blocks that come after."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent


class Assignment(BlockSettings):
    name: str = Field(min_length=1)
    value: JsonValue = None


class VariablesSettings(BlockSettings):
    assignments: list[Assignment]


@component
class Variables(BlockComponent[VariablesSettings]):
    type_name = "variables"
    title = "Variables"
    description = "Sets variables; read them by <variable.name>."
    outputs: ClassVar[dict[str, str]] = {}
    open_outputs = True
    sets_variables = True
    settings = VariablesSettings

    @override
    async def execute(self, context: Context, settings: VariablesSettings) -> Output:
        return {item.name: item.value for item in settings.assignments}
