"""Logs: every run of the workspace, and how its blocks ended."""

from __future__ import annotations

from typing import Any

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.logs.schemas import BlockEntry, BlockQuery, LogDetail, LogEntry, LogQuery, TraceSpan
from api.paging import Page, cursor_of, part_of
from core.store.block_logs import BlockLog
from core.store.executions import Execution
from pipelines.large_values import bring_back
from pipelines.live import duration_ms
from pipelines.spans import trace_of


@endpoint("GET", "/api/logs", access=READ)
async def list_logs(call: Call, query: LogQuery) -> Page[LogEntry]:
    """List runs of every workflow, newest first."""
    page = await call.unit.executions.page(query.found_by(), query.request())
    data = [LogEntry(**fields_of(row)) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/logs/<execution_id>", access=READ)
async def get_log(call: Call, execution_id: str) -> LogDetail:
    """Return a run with its trace and the definition that ran."""
    async with call.services.store.unit(call.workspace_id) as unit:
        row = found(await unit.executions.get(execution_id), "execution")
        under = await unit.subruns.under(execution_id)
        logs = {one.id: await unit.block_logs.of(one.id) for one in (row, *under)}
    await bring_back(call.services.blobs, [log for rows in logs.values() for log in rows])
    root = TraceSpan.model_validate(trace_of(row, logs, under))
    return LogDetail(**fields_of(row), trace_spans=[root], definition=row.definition)


@endpoint("GET", "/api/logs/<execution_id>/blocks", access=READ)
async def list_block_logs(call: Call, execution_id: str, query: BlockQuery) -> Page[BlockEntry]:
    """List how a run's blocks ended, in the order they began; all unless ``limit`` is sent.

    A live event that carries a preview names here the block whose values are large.
    """
    async with call.services.store.unit(call.workspace_id) as unit:
        found(await unit.executions.get(execution_id), "execution")
        rows = await unit.block_logs.of(execution_id)
    rows, cursor = part_of([row for row in rows if query.selects(row)], query)
    await bring_back(call.services.blobs, rows)
    return Page(data=[_entry(row) for row in rows], next_cursor=cursor)


def fields_of(row: Execution) -> dict[str, Any]:
    plain = [name for name in LogEntry.model_fields if name != "duration_ms"]
    return {**{name: getattr(row, name) for name in plain}, "duration_ms": duration_ms(row)}


def _milliseconds(row: BlockLog) -> int:
    return round((row.ended_at - row.started_at).total_seconds() * 1000)


def _entry(row: BlockLog) -> BlockEntry:
    same = (
        "id",
        "block_id",
        "block_name",
        "block_type",
        "execution_order",
        "attempt",
        "status",
        "started_at",
        "ended_at",
        "error_message",
        "usage",
        "cost",
    )
    return BlockEntry(
        **{name: getattr(row, name) for name in same},
        iteration=row.iteration or None,
        duration_ms=_milliseconds(row),
        input_data=row.input,
        output_data=row.output,
    )
