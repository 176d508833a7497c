"""``humanInTheLoop``: asks a person, and goes on with the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from core.errors import TimedOut
from core.store.pauses import Asked
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.fields import InputField, typed
from pipelines.masking import mask

LONGEST_SECONDS = 366 * 24 * 3600


class HumanInTheLoopSettings(BlockSettings):
    message: Text = Field("", description="What the person is asked.")
    fields: list[InputField] = Field(default_factory=list, description="What the answer holds.")
    timeout_seconds: float | None = Field(
        None, gt=0, le=LONGEST_SECONDS, description="After which the block fails; none: never."
    )


@component
class HumanInTheLoop(BlockComponent[HumanInTheLoopSettings]):
    """The run pauses without a worker once nothing else of it can run."""

    type_name = "humanInTheLoop"
    title = "Human in the loop"
    description = "Pauses the run until a person answers; its outputs are the answer's fields."
    outputs: ClassVar = {"input": "any"}
    open_outputs = True
    settings = HumanInTheLoopSettings

    @override
    async def execute(self, context: Context, settings: HumanInTheLoopSettings) -> Output:
        seconds = settings.timeout_seconds
        fields: list[JsonValue] = [field.model_dump(by_alias=True) for field in settings.fields]
        asked = Asked(
            "human",
            {"message": mask(settings.message, context.scope.secrets), "fields": fields},
            datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None,
        )
        pause = await context.pauses.hold(context, asked)
        if pause.status == "due":
            raise TimedOut(f"Nobody answered within {seconds:g} s; allow more time and run again.")
        given: JsonValue = pause.input
        answer = given if isinstance(given, dict) else {}
        return {"input": given, **answer, **typed(settings.fields, given)}
