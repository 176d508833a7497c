"""Schedules: fire times are claimed, each once however many clocks run, and become runs.

A fire time is a row, unique in its workflow, so that two clocks, or one that was set back, claim
it once. It becomes a run in the transaction that says so, when the workspace has a slot for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import structlog

from core.errors import NuxaError, RateLimited, ServiceUnavailable
from core.ids import new_id
from core.services import Services
from core.store.schedules import Schedule, ScheduleFire
from core.store.unit import Unit
from core.store.workspaces import Workspace
from pipelines import run
from pipelines.cron import fires_after, fires_before
from pipelines.live import wire_time
from pipelines.run import RunRequest

GRACE: Final = timedelta(minutes=1)  # what is later than that was missed
_MOST: Final = 100  # fire times that a schedule makes up for
log = structlog.get_logger(__name__)


def next_fire(schedule: Schedule, moment: datetime) -> datetime | None:
    """Return when a schedule fires next after a moment; None for never again."""
    return next(fires_after(schedule.cron, schedule.timezone, moment), None)


async def fire(services: Services, moment: datetime | None = None) -> None:
    """Claim what is due at a moment, by default now by the database's clock; start what waits."""
    if moment is None:
        async with services.store.system() as unit:
            moment = await unit.schedule_jobs.time()
    while await _claim_due(services, moment):
        pass
    async with services.store.system() as unit:
        waiting = await unit.schedule_jobs.workspaces_waiting()
    for workspace_id in waiting:
        while await _start_oldest(services, workspace_id):
            pass


async def _claim_due(services: Services, moment: datetime) -> bool:
    """Claim the fire times of one schedule that have come; False when none is due."""
    async with services.store.system() as unit:
        schedule = await unit.schedule_jobs.due(moment)
        if schedule is None:
            return False
        begun, missed = _due(schedule, moment)
        await unit.schedule_jobs.claim(schedule, begun, "waiting")
        await unit.schedule_jobs.claim(schedule, missed, "missed")
        schedule.next_at = next_fire(schedule, moment)
    return True


def _due(schedule: Schedule, moment: datetime) -> tuple[list[datetime], list[datetime]]:
    """Return the fire times to begin, and those to note as missed.

    ``skip`` leaves out what was missed, ``latest`` makes up for the last of it, ``all`` for each
    of the last hundred.
    """
    most = _MOST if schedule.misfire == "all" else 1
    past = islice(fires_before(schedule.cron, schedule.timezone, moment), most)
    due = [fire_at for fire_at in past if schedule.next_at and fire_at >= schedule.next_at]
    if schedule.misfire == "skip" and due and moment - due[0] > GRACE:
        return [], due
    return due, []


async def _start_oldest(services: Services, workspace_id: str) -> bool:
    """Start the run of a workspace's oldest fire; False when none waits, or no slot is free."""
    async with services.store.system() as system:
        workspace = await system.workspaces.load(workspace_id)
    try:
        async with services.store.unit(workspace_id) as unit:
            found = await unit.schedules.oldest_waiting()
            if found is not None:
                await _start(services, unit, found, workspace)
    except RateLimited:
        return False
    except ServiceUnavailable as error:  # what was added is there; upkeep wakes a worker for it
        log.warning("a fire time waits for the next tick", error=str(error))
        return False
    return found is not None


async def _start(
    services: Services, unit: Unit, waiting: ScheduleFire, workspace: Workspace
) -> None:
    request = RunRequest(
        trigger="schedule",
        input={**waiting.input, "scheduledTime": wire_time(waiting.fire_at)},
        execution_id=new_id("exec"),
        slots=workspace.allowed.concurrent_executions,
        slot_account=workspace.slot_account,
    )
    try:
        row = await run.start(unit, services, waiting.workflow_id, request)
    except (RateLimited, ServiceUnavailable):
        raise
    except NuxaError as error:  # withdrawn, or no longer valid: the list of fires tells
        waiting.status, waiting.error = "failed", {"code": error.code, "message": error.message}
    else:
        waiting.status, waiting.execution_id = "started", row.id
