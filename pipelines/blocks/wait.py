"""``wait``: holds its branch for some seconds or until a time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import AwareDatetime, Field
from typing_extensions import override

from core.errors import ValidationFailed
from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output

LONGEST_SECONDS = 300  # the run holds its slot while it waits


class WaitSettings(BlockSettings):
    seconds: float | None = Field(None, ge=0, le=LONGEST_SECONDS)
    until: AwareDatetime | None = None


class Wait(BlockKind[WaitSettings]):
    type_name = "wait"
    title = "Wait"
    description = f"Waits some seconds or until a time, {LONGEST_SECONDS} seconds at most."
    outputs: ClassVar = {"waitedMs": "number"}
    settings = WaitSettings

    @override
    async def run(self, context: Context, settings: WaitSettings) -> Output:
        began = time.monotonic()
        await asyncio.sleep(_seconds(settings))
        return {"waitedMs": round((time.monotonic() - began) * 1000)}


def _seconds(settings: WaitSettings) -> float:
    if (settings.seconds is None) == (settings.until is None):
        raise ValidationFailed("A wait needs either seconds or until; fill in one of them.")
    if settings.until is None:
        return settings.seconds or 0.0
    left = (settings.until - datetime.now(UTC)).total_seconds()
    if left > LONGEST_SECONDS:
        raise ValidationFailed(f"until lies more than {LONGEST_SECONDS} s ahead; wait for less.")
    return max(0.0, left)
