"""What whoever waited for a run is answered, by whatever door he came."""

from __future__ import annotations

import json
from typing import Final

from api.call import Reply
from api.workflows.schemas import PausedRun
from core.errors import TimedOut
from core.store.executions import Execution
from core.store.unit import Store
from pipelines.live import paused_data

SYNC_SECONDS: Final = 300.0  # how long a caller waits who does not say how long


def is_over_time(row: Execution) -> bool:
    """Whether a run was stopped because it took too long."""
    return row.status == "cancelled" and (row.error or {}).get("code") == TimedOut.code


def said_by_block(row: Execution) -> Reply:
    """Return status, headers and body of the run's ``response`` block."""
    said = row.output
    headers = {
        "content-type": "application/json",
        **{k.lower(): v for k, v in said["headers"].items()},
    }
    is_text = isinstance(said["data"], str) and not headers["content-type"].endswith("json")
    content = said["data"].encode() if is_text else json.dumps(said["data"]).encode()
    is_bodiless = said["status"] in (204, 205, 304)
    return Reply(
        status=said["status"],
        headers={**headers, **headers_of(row)},
        content=b"" if is_bodiless else content,
    )


async def paused_answer(store: Store, row: Execution) -> Reply:
    """Return what a paused run waits for."""
    async with store.unit(row.workspace_id) as unit:
        pauses = await unit.pauses.open_under(row.id)
    body = PausedRun.model_validate({**paused_data(row, pauses), "executionId": row.id})
    return Reply(body, 202, headers_of(row))


async def is_answered_by_block(store: Store, row: Execution) -> bool:
    """Whether a ``response`` block has the word."""
    if row.status != "completed" or row.options.get("selectedOutputs"):
        return False
    if not any(block["type"] == "response" for block in row.definition["blocks"].values()):
        return False
    async with store.unit(row.workspace_id) as unit:
        return await unit.block_logs.has_answered(row.id)


def headers_of(row: Execution) -> dict[str, str]:
    return {"X-Execution-Id": row.id}
