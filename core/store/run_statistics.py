"""What the runs of a workspace come to: how many ended how, how long they took, what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    Select,
    String,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.store.base import TenantRepository
from core.store.executions import Execution, ExecutionFilter

_MOST_WORKFLOWS: Final = 100
Key = str | date


@dataclass(frozen=True)
class Totals:
    """Durations in milliseconds, of runs that have ended; ``cost`` in US dollars."""

    runs: int
    by_status: Mapping[str, int]
    average_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    longest_ms: float | None
    input_tokens: int
    output_tokens: int
    cost: float


class RunStatistics(TenantRepository):
    async def totals(self, found_by: ExecutionFilter) -> Totals:
        """Return the totals of all runs that a filter finds."""
        return next(iter((await self._grouped(found_by, literal("", String))).values()), _NONE)

    async def by_day(self, found_by: ExecutionFilter) -> Mapping[Key, Totals]:
        """Return the totals of each day, in UTC, on which such runs began, the first first."""
        day = cast(func.timezone("UTC", Execution.created_at), Date)
        return dict(sorted((await self._grouped(found_by, day)).items()))

    async def by_workflow(self, found_by: ExecutionFilter) -> Mapping[Key, Totals]:
        """Return the totals of each workflow, those with most runs first, a hundred at most."""
        grouped = await self._grouped(found_by, Execution.workflow_id.expression)
        ranked = sorted(grouped.items(), key=lambda item: (-item[1].runs, item[0]))
        return dict(ranked[:_MOST_WORKFLOWS])

    async def by_trigger(self, found_by: ExecutionFilter) -> Mapping[Key, int]:
        """Return how many runs each trigger started."""
        query = self._of(found_by, Execution.trigger, func.count()).group_by(Execution.trigger)
        rows = await self._session.execute(query)
        return {row[0]: row[1] for row in rows}

    async def _grouped(
        self, found_by: ExecutionFilter, key: ColumnElement[Any]
    ) -> dict[Key, Totals]:
        key = key.label("key")
        lasted = func.extract("epoch", Execution.ended_at - Execution.started_at) * 1000
        shares = cast([0.5, 0.95], ARRAY(Float))
        measures = self._of(
            found_by,
            key,
            func.count(),
            cast(func.avg(lasted), Float),
            func.percentile_cont(shares).within_group(lasted),
            cast(func.max(lasted), Float),
            _tokens("input"),
            _tokens("output"),
            cast(func.coalesce(func.sum(Execution.cost), 0), Float),
        ).group_by(key)
        counts = self._of(found_by, key, Execution.status, func.count())
        statuses: dict[Key, dict[str, int]] = {}
        for found, status, count in await self._session.execute(
            counts.group_by(key, Execution.status)
        ):
            statuses.setdefault(found, {})[status] = count
        rows = await self._session.execute(measures)
        return {row[0]: _totals(row, statuses.get(row[0], {})) for row in rows}

    def _of(self, found_by: ExecutionFilter, *columns: Any) -> Select[Any]:
        return select(*columns).where(
            Execution.workspace_id == self._workspace_id, *found_by.conditions()
        )


_NONE: Final = Totals(0, {}, None, None, None, None, 0, 0, 0.0)


def _tokens(name: str) -> ColumnElement[Any]:
    return func.coalesce(func.sum(Execution.usage[name].as_integer()), 0)


def _totals(row: Sequence[Any], statuses: Mapping[str, int]) -> Totals:
    _, runs, average, shares, longest, given, said, cost = row
    p50, p95 = shares or (None, None)
    return Totals(runs, statuses, average, p50, p95, longest, int(given), int(said), cost)
