"""What the runs of a time come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.logs.schemas import DayTotals, LogFilter, LogStats, WorkflowTotals
from core.store.base import now
from core.store.executions import TERMINAL
from core.store.run_statistics import Totals

_SPAN: Final = timedelta(days=30)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + _SPAN  # before it there are no times


@endpoint("GET", "/api/logs/stats", access=READ)
async def get_log_stats(call: Call, query: LogFilter) -> LogStats:
    """Count runs, how they ended, how long they took and what they cost.

    Without ``since`` it is the thirty days before ``until``, which is now unless given.
    """
    query.until = query.until or now()
    query.since = query.since or max(query.until, _EARLIEST) - _SPAN
    found_by, statistics = query.found_by(), call.unit.run_statistics
    days = await statistics.by_day(found_by)
    workflows = await statistics.by_workflow(found_by)
    return LogStats.model_validate(
        {
            **_shown(await statistics.totals(found_by)),
            "since": query.since,
            "until": query.until,
            "by_trigger": await statistics.by_trigger(found_by),
            "by_day": [DayTotals(day=day, **_shown(totals)) for day, totals in days.items()],
            "by_workflow": [
                WorkflowTotals(workflow_id=str(name), **_shown(totals))
                for name, totals in workflows.items()
            ],
        }
    )


def _shown(totals: Totals) -> dict[str, Any]:
    ended = sum(totals.by_status.get(status, 0) for status in TERMINAL)
    return {
        "runs": totals.runs,
        "by_status": dict(totals.by_status),
        "success_rate": totals.by_status.get("completed", 0) / ended if ended else None,
        "duration_ms": {
            "average": totals.average_ms,
            "p50": totals.p50_ms,
            "p95": totals.p95_ms,
            "longest": totals.longest_ms,
        },
        "tokens": {
            "input": totals.input_tokens,
            "output": totals.output_tokens,
            "total": totals.input_tokens + totals.output_tokens,
        },
        "cost": totals.cost,
    }
