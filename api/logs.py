"""Logs: every run of the workspace, and how its blocks ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import Field, JsonValue

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Moment, Wire
from core.store.block_logs import BlockLog
from core.store.executions import Execution, ExecutionFilter
from pipelines.live import duration_ms

_LONGEST: Final = 2**53  # milliseconds, and the largest whole number that every client has


class LogQuery(PageQuery):
    """What to list; durations are in milliseconds, ``search`` looks into input and output."""

    workflow_id: str | None = None
    status: list[str] = Field(default_factory=list)
    trigger: list[str] = Field(default_factory=list)
    since: Moment | None = None
    until: Moment | None = None
    search: str | None = Field(None, max_length=200)
    min_duration: int | None = Field(None, ge=0, le=_LONGEST)
    max_duration: int | None = Field(None, ge=0, le=_LONGEST)
    min_cost: float | None = Field(None, allow_inf_nan=False)
    max_cost: float | None = Field(None, allow_inf_nan=False)

    def found_by(self) -> ExecutionFilter:
        return ExecutionFilter(**self.model_dump(exclude={"limit", "cursor"}))


class LogEntry(Wire):
    id: str
    workflow_id: str
    version: int | None
    status: str
    trigger: str
    input: JsonValue
    output: JsonValue
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    cost: float | None
    usage: dict[str, Any] | None


class TraceSpan(Wire):
    """A run or one of its blocks; times are null while it goes on."""

    id: str
    name: str
    type: str
    status: str
    start_time: datetime | None
    end_time: datetime | None
    duration_ms: int | None
    input: JsonValue
    output: JsonValue
    children: list[TraceSpan] = Field(default_factory=list)


class LogDetail(LogEntry):
    """A run, what ran when, and the definition that ran, frozen at its start."""

    trace_spans: list[TraceSpan]
    definition: dict[str, Any]


class BlockEntry(Wire):
    id: str
    block_id: str
    block_name: str
    block_type: str
    execution_order: int
    iteration: str | None
    attempt: int
    status: str
    started_at: datetime
    ended_at: datetime
    duration_ms: int
    input_data: JsonValue
    output_data: JsonValue
    error_message: str | None
    usage: dict[str, Any] | None
    cost: float | None


@endpoint("GET", "/api/logs", access=READ)
async def list_logs(call: Call, query: LogQuery) -> Page[LogEntry]:
    """List runs of every workflow, newest first."""
    page = await call.unit.executions.page(query.found_by(), query.position(), query.limit)
    data = [LogEntry(**_fields(row)) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/logs/<execution_id>", access=READ)
async def get_log(call: Call, execution_id: str) -> LogDetail:
    """Return a run with its trace and the definition that ran."""
    row = found(await call.unit.executions.get(execution_id), "execution")
    spans = [_span(block) for block in await call.unit.block_logs.of(execution_id)]
    root = TraceSpan(
        id=row.id,
        name="Run",
        type="workflow",
        status=row.status,
        start_time=row.started_at,
        end_time=row.ended_at,
        duration_ms=duration_ms(row),
        input=row.input,
        output=row.output,
        children=spans,
    )
    return LogDetail(**_fields(row), trace_spans=[root], definition=row.definition)


@endpoint("GET", "/api/logs/<execution_id>/blocks", access=READ)
async def list_block_logs(call: Call, execution_id: str) -> Page[BlockEntry]:
    """List how a run's blocks ended, in the order they began."""
    found(await call.unit.executions.get(execution_id), "execution")
    rows: Sequence[BlockLog] = await call.unit.block_logs.of(execution_id)
    return Page(data=[_entry(row) for row in rows])


def _fields(row: Execution) -> dict[str, Any]:
    plain = [name for name in LogEntry.model_fields if name != "duration_ms"]
    return {**{name: getattr(row, name) for name in plain}, "duration_ms": duration_ms(row)}


def _milliseconds(row: BlockLog) -> int:
    return round((row.ended_at - row.started_at).total_seconds() * 1000)


def _span(row: BlockLog) -> TraceSpan:
    return TraceSpan(
        id=row.id,
        name=row.block_name,
        type=row.block_type,
        status=row.status,
        start_time=row.started_at,
        end_time=row.ended_at,
        duration_ms=_milliseconds(row),
        input=row.input,
        output=row.output,
    )


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
