"""``wait``: holds its branch for some seconds or until a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from haystack import component
from pydantic import AwareDatetime, Field
from typing_extensions import override

from core.errors import ValidationFailed
from core.store.pauses import Asked
from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent

LONGEST_SECONDS = 366 * 24 * 3600
IN_PLACE_SECONDS = 5.0  # a shorter wait is over before a paused run would be woken


class WaitSettings(BlockSettings):
    seconds: float | None = Field(None, ge=0, le=LONGEST_SECONDS)
    until: AwareDatetime | None = None


@component
class Wait(BlockComponent[WaitSettings]):
    """A long wait pauses the run, which then holds no worker."""

    type_name = "wait"
    title = "Wait"
    description = (
        f"Waits some seconds or until a time; for more than {IN_PLACE_SECONDS:g} s the run pauses "
        "and holds no worker."
    )
    outputs: ClassVar = {"waitedMs": "number"}
    settings = WaitSettings

    @override
    async def execute(self, context: Context, settings: WaitSettings) -> Output:
        began = datetime.now(UTC)
        until = _until(settings, began)
        left = (until - began).total_seconds()
        if left <= IN_PLACE_SECONDS and settings.until is None:
            await asyncio.sleep(left)
        else:
            pause = await context.pauses.hold(context, Asked("wait", {}, until))
            began = pause.created_at
        return {"waitedMs": round((datetime.now(UTC) - began).total_seconds() * 1000)}


def _until(settings: WaitSettings, began: datetime) -> datetime:
    if (settings.seconds is None) == (settings.until is None):
        raise ValidationFailed("A wait needs either seconds or until; fill in one of them.")
    if settings.until is None:
        return began + timedelta(seconds=settings.seconds or 0.0)
    if (settings.until - began).total_seconds() > LONGEST_SECONDS:
        raise ValidationFailed("until lies more than a year ahead; wait for less.")
    return settings.until
