"""What a question is about, beside documents: runs whose logs the model is to have before it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from copilot.desk import Desk
from copilot.masking import masked
from copilot.tools.logs import OneRun, read_run
from core.errors import NotFound
from pipelines.passages import marked

_LONGEST: Final = 8_000  # characters of one run, about 2,000 tokens


async def told_of_runs(desk: Desk, execution_ids: Sequence[str]) -> list[str]:
    """Return each run as material; one that was deleted meanwhile is left out."""
    found = []
    for execution_id in execution_ids:
        try:
            async with masked(desk) as hide:
                run = hide(await read_run(desk, OneRun(execution_id=execution_id)))
        except NotFound:
            continue
        text = json.dumps(run, ensure_ascii=False, default=str)[:_LONGEST]
        found.append(marked(f"run {execution_id}", text))
    return found
