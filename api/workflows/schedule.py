"""A workflow's schedule: when what is deployed runs by itself, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, JsonValue

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Flag, Wire
from core.errors import Conflict, ValidationFailed
from core.store.base import now
from core.store.schedules import Schedule
from pipelines.cron import zone_of
from pipelines.scheduling import next_fire


class ScheduleBody(Wire):
    """``cron`` has the fields minute, hour, day, month and weekday; ``timezone`` is IANA's.

    ``misfire`` says what becomes of fire times that passed while nothing ran: ``skip`` them, make
    up for the ``latest``, or for ``all`` (the last hundred). The run's input is ``input`` with
    ``scheduledTime``.
    """

    cron: str = Field(min_length=9, max_length=200)
    timezone: str = Field("UTC", min_length=1, max_length=100)
    misfire: Literal["skip", "latest", "all"] = "latest"
    enabled: Flag = True
    input: dict[str, JsonValue] = Field(default_factory=dict)


class ScheduleAnswer(Wire):
    """``nextFireAt`` is null while the schedule is not enabled."""

    workflow_id: str
    cron: str
    timezone: str
    misfire: str
    enabled: bool
    input: dict[str, Any]
    next_fire_at: datetime | None
    created_at: datetime
    updated_at: datetime


class FireAnswer(Wire):
    """A fire time that came: ``waiting`` for a slot, ``started``, ``missed``, or ``failed``."""

    fire_at: datetime
    status: str
    execution_id: str | None
    error: dict[str, Any] | None


@endpoint("GET", "/api/workflows/<workflow_id>/schedule", access=READ)
async def get_schedule(call: Call, workflow_id: str) -> ScheduleAnswer:
    """Return when a workflow runs by itself."""
    return _shown(await _schedule(call, workflow_id))


@endpoint("PUT", "/api/workflows/<workflow_id>/schedule", access=WRITE)
async def put_schedule(call: Call, workflow_id: str, body: ScheduleBody) -> ScheduleAnswer:
    """Have the deployed workflow run by itself at the times of a cron expression."""
    workflow = found(await call.unit.workflows.lock(workflow_id), "workflow")
    if workflow.deployed_version is None:
        raise Conflict(
            f'The workflow "{workflow.name}" is not deployed, and a schedule runs what is: '
            f"POST /api/workflows/{workflow.id}/deploy first."
        )
    zone_of(body.timezone)
    row = await call.unit.schedules.lock(workflow_id)
    if row is None:
        row = call.unit.schedules.add(Schedule(workflow_id=workflow_id, created_by=call.user_id))
    for name, value in body.model_dump().items():
        setattr(row, name, value)
    row.next_at = next_fire(row, now())
    if row.next_at is None:
        raise ValidationFailed(f"{body.cron!r} names no day that ever comes; correct it.")
    if not body.enabled:
        await call.unit.schedules.forget_waiting(workflow_id)
    call.audit("schedule.set", workflow_id, cron=body.cron, timezone=body.timezone)
    await call.unit.flush()
    return _shown(row)


@endpoint("DELETE", "/api/workflows/<workflow_id>/schedule", access=WRITE)
async def delete_schedule(call: Call, workflow_id: str) -> None:
    """Have a workflow run by itself no more; what is running goes on."""
    await call.unit.schedules.delete(await _schedule(call, workflow_id))
    await call.unit.schedules.forget_waiting(workflow_id)
    call.audit("schedule.deleted", workflow_id)


@endpoint("GET", "/api/workflows/<workflow_id>/schedule/fires", access=READ)
async def list_fires(
    call: Call, workflow_id: str, query: PageQuery[Literal["fireAt"]]
) -> Page[FireAnswer]:
    """List the fire times of the last thirty days and what came of each, latest first."""
    found(await call.unit.workflows.get(workflow_id), "workflow")
    page = await call.unit.schedules.fires(workflow_id, query.request())
    data = [FireAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


async def _schedule(call: Call, workflow_id: str) -> Schedule:
    found(await call.unit.workflows.get(workflow_id), "workflow")
    return found(await call.unit.schedules.get(workflow_id), "schedule")


def _shown(row: Schedule) -> ScheduleAnswer:
    names = set(ScheduleAnswer.model_fields) - {"next_fire_at"}
    return ScheduleAnswer(
        next_fire_at=row.next_at if row.enabled else None,
        **{name: getattr(row, name) for name in names},
    )
