"""Logs on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, Literal

from pydantic import Field, JsonValue

from api.paging import PageQuery, WholeQuery
from api.wire import Since, Until, Wire
from api.workflows.schemas import ExecutionStatus, Trigger
from core.store.block_logs import BlockLog
from core.store.executions import ExecutionFilter

_LONGEST: Final = 2**53  # milliseconds, and the largest whole number that every client has


class LogFilter(Wire):
    """Which runs; durations are in milliseconds, ``search`` looks into input, output and error."""

    workflow_id: str | None = None
    status: list[ExecutionStatus] = Field(default_factory=list)
    trigger: list[Trigger] = Field(default_factory=list)
    since: Since = None
    until: Until = None
    search: str | None = Field(None, max_length=200)
    min_duration: int | None = Field(None, ge=0, le=_LONGEST)
    max_duration: int | None = Field(None, ge=0, le=_LONGEST)
    min_cost: float | None = Field(None, allow_inf_nan=False)
    max_cost: float | None = Field(None, allow_inf_nan=False)

    def found_by(self) -> ExecutionFilter:
        return ExecutionFilter(**self.model_dump(include=set(LogFilter.model_fields)))


class LogQuery(LogFilter, PageQuery):
    """What to list."""


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
    """A run, a block, an iteration or a call of a tool; times are null while it goes on.

    Inside a loop or parallel stand its iterations, inside a block the runs of other workflows
    and the tools that it called.
    """

    id: str
    name: str
    type: str
    status: str
    start_time: datetime | None
    end_time: datetime | None
    duration_ms: int | None
    block_id: str | None
    iteration: str | None
    input: JsonValue
    output: JsonValue
    error: str | None
    tokens: dict[str, Any] | None
    cost: float | None
    children: list[TraceSpan] = Field(default_factory=list)


class LogDetail(LogEntry):
    """A run, what ran when, and the definition that ran, frozen at its start."""

    trace_spans: list[TraceSpan]
    definition: dict[str, Any]


class BlockQuery(WholeQuery):
    """Which blocks of a run: all, or one block's, or that of one iteration."""

    block_id: str | None = None
    iteration: str | None = None

    def selects(self, row: BlockLog) -> bool:
        """Whether a row is asked for."""
        is_block = self.block_id in (None, row.block_id)
        return is_block and self.iteration in (None, row.iteration)


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


class Durations(Wire):
    """In milliseconds, of runs that have ended; null where none has."""

    average: float | None
    p50: float | None
    p95: float | None
    longest: float | None


class Tokens(Wire):
    input: int
    output: int
    total: int


class Totals(Wire):
    """``successRate``: the share of completed runs among those that have ended; ``cost`` in US
    dollars, of the runs whose price is known."""

    runs: int
    by_status: dict[str, int]
    success_rate: float | None
    duration_ms: Durations
    tokens: Tokens
    cost: float


class DayTotals(Totals):
    day: date


class WorkflowTotals(Totals):
    workflow_id: str


class LogStats(Totals):
    """All runs of the time, then by trigger, by day (UTC) and by workflow, a hundred at most."""

    since: datetime
    until: datetime
    by_trigger: dict[str, int]
    by_day: list[DayTotals]
    by_workflow: list[WorkflowTotals]


class ExportQuery(LogFilter):
    format: Literal["jsonl", "csv"] = "jsonl"
