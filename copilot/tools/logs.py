"""What the workspace's runs came to: counted, failures gathered, one read in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from copilot.tools.workflows import OfWorkflow
from core.errors import NotFound
from core.store.base import now
from core.store.block_failures import BlockFailure
from core.store.block_logs import BlockLog
from core.store.executions import TERMINAL, ExecutionFilter
from core.store.run_statistics import Key, Totals
from core.store.unit import Unit
from pipelines.live import duration_ms
from pipelines.tools.base import Params

_MOST_FAILURES: Final = 50
_MOST_WORKFLOWS: Final = 20
_LONGEST_VALUE: Final = 2_000  # characters shown of what a block took and gave
CALLING: Final = ("api", "webhook", "tool", "agent")  # blocks that call what is outside

Days = Annotated[int, Field(ge=1, le=365, description="How many days back.")]


class Period(Params):
    days: Days = 7
    workflow_id: Annotated[str | None, Field(description="Of one workflow only.")] = None


class Failures(Params):
    days: Days = 30
    workflow_id: Annotated[str | None, Field(description="Of one workflow only.")] = None
    api_only: Annotated[
        bool, Field(description="Only of blocks that call APIs: api, webhook, tool, agent.")
    ] = False


class OneRun(Params):
    execution_id: Annotated[str, Field(min_length=1, description="Id of the run.")]
    workflow_id: OfWorkflow = None


async def analyze_logs(desk: Desk, params: Period) -> JsonValue:
    """Count runs of the last days by status, day, workflow and trigger, with times and failures."""
    since = now() - timedelta(days=params.days)
    found_by = ExecutionFilter(workflow_id=params.workflow_id, since=since)
    async with desk.services.store.unit(desk.workspace_id) as unit:
        statistics = unit.run_statistics
        totals = await statistics.totals(found_by)
        days = await statistics.by_day(found_by)
        workflows = await statistics.by_workflow(found_by)
        triggers = await statistics.by_trigger(found_by)
        names = await _names(unit, workflows)
        failures = await unit.block_failures.since(since, 5, workflow_id=params.workflow_id)
    return {
        "days": params.days,
        **_shown(totals),
        "byTrigger": {str(name): count for name, count in triggers.items()},
        "byDay": [{"day": str(day), "runs": t.runs} for day, t in days.items()],
        "byWorkflow": [
            {"workflowId": str(key), "name": names.get(str(key), str(key)), **_shown(t)}
            for key, t in list(workflows.items())[:_MOST_WORKFLOWS]
        ],
        "failures": [_failure(each) for each in failures],
    }


async def report_errors(desk: Desk, params: Failures) -> JsonValue:
    """Gather the failures of blocks in the last days, equal ones together, most frequent first."""
    since = now() - timedelta(days=params.days)
    kinds = CALLING if params.api_only else ()
    async with desk.services.store.unit(desk.workspace_id) as unit:
        found = await unit.block_failures.since(
            since, _MOST_FAILURES, block_types=kinds, workflow_id=params.workflow_id
        )
    return {
        "days": params.days,
        "blockTypes": [*kinds],
        "failures": [_failure(each) for each in found],
        "total": sum(each.count for each in found),
    }


async def read_run(desk: Desk, params: OneRun) -> JsonValue:
    """Read one run: its status and error, and what each block was given and gave."""
    async with desk.services.store.unit(desk.workspace_id) as unit:
        row = await unit.executions.get(params.execution_id)
        if row is None or params.workflow_id not in (None, row.workflow_id):
            raise NotFound("There is no such run; analyze_logs says what there is.")
        blocks = await unit.block_logs.of(row.id)
    return {
        "id": row.id,
        "workflowId": row.workflow_id,
        "status": row.status,
        "trigger": row.trigger,
        "error": row.error,
        "durationMs": duration_ms(row),
        "blocks": [_block(each) for each in blocks],
    }


async def _names(unit: Unit, workflows: Mapping[Key, Totals]) -> dict[str, str]:
    ids = [str(key) for key in list(workflows)[:_MOST_WORKFLOWS]]
    return await unit.workflows.names(ids)


def _shown(totals: Totals) -> dict[str, JsonValue]:
    ended = sum(totals.by_status.get(status, 0) for status in TERMINAL)
    rate = round(totals.by_status.get("completed", 0) / ended, 3) if ended else None
    return {
        "runs": totals.runs,
        "byStatus": dict(totals.by_status),
        "successRate": rate,
        "averageMs": None if totals.average_ms is None else round(totals.average_ms),
        "p95Ms": None if totals.p95_ms is None else round(totals.p95_ms),
        "tokens": totals.input_tokens + totals.output_tokens,
        "cost": totals.cost,
    }


def _failure(each: BlockFailure) -> dict[str, JsonValue]:
    told: dict[str, Any] = asdict(each)
    moment: datetime = told.pop("last_at")
    names = {
        "workflow_id": "workflowId",
        "workflow_name": "workflow",
        "block_name": "block",
        "block_type": "blockType",
        "last_execution_id": "lastExecutionId",
    }
    return {
        **{names.get(key, key): value for key, value in told.items()},
        "lastAt": moment.isoformat(timespec="seconds"),
    }


def _block(row: BlockLog) -> dict[str, JsonValue]:
    return {
        "name": row.block_name,
        "type": row.block_type,
        "iteration": row.iteration or None,
        "status": row.status,
        "error": row.error_message,
        "input": _short(row.input),
        "output": _short(row.output),
    }


def _short(value: JsonValue) -> JsonValue:
    text = str(value)
    return value if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} …"


ANALYZE_LOGS: Final = CopilotTool("analyze_logs", analyze_logs, "logs")
REPORT_ERRORS: Final = CopilotTool("report_errors", report_errors, "logs")
READ_RUN: Final = CopilotTool("read_run", read_run, "logs")
TOOLS: Final = (ANALYZE_LOGS, REPORT_ERRORS, READ_RUN)
