"""The live events of a run: how they look, where they go, how they are followed to their end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import JsonValue
from redis.exceptions import OutOfMemoryError

from core.errors import NotFound
from core.events import Event, EventLogs
from core.redis_names import run_log
from core.services import Services
from core.store.executions import TERMINAL, Execution
from core.store.pauses import Pause
from core.store.unit import OpenUnit
from pipelines.event_values import is_shortened, shorten, shorten_block_event
from pipelines.large_values import bring_back
from pipelines.trace import END_TYPES, Place, Told

log = structlog.get_logger(__name__)
PAUSED = "execution:paused"
_MOST_UNDER_WAY = 64  # events of a run that are sent and not yet in its log
KEEP_PAUSED_SECONDS = 60 * 24 * 3600  # of the log of a run that waits for somebody
LAST_TYPES = {
    "completed": "execution:completed",
    "failed": "execution:error",
    "cancelled": "execution:cancelled",
}


def log_name(run: Execution) -> str:
    """Return the name of a run's event log."""
    return run_log(run.workspace_id, run.log_id)


def wire_time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


class RunEvents:
    """Appends the events of one run, in order.

    A block does not wait for its events: rows are what lasts, and a run that is taken up again
    tells what was written and not told. Only a Redis that is behind holds the run up.
    """

    def __init__(self, events: EventLogs, run: Execution) -> None:
        self._events, self._execution_id, self._workflow_id = events, run.id, run.workflow_id
        self._log = log_name(run)
        self._tool_bytes = 0
        self._under_way: deque[asyncio.Future[int]] = deque()

    async def send(self, kind: str, data: dict[str, JsonValue]) -> None:
        """Send an event off; raises what one before it failed with."""
        if kind == "stream:tool":
            data, size = shorten_block_event(self._execution_id, data, self._tool_bytes)
            self._tool_bytes += size
        event = _envelope(self._execution_id, self._workflow_id, kind, data)
        self._under_way.append(self._events.put(self._log, event))
        while self._under_way[0].done() or len(self._under_way) > _MOST_UNDER_WAY:
            await self._under_way.popleft()
            if not self._under_way:
                return

    async def arrived(self) -> None:
        """Wait until what was sent is in the log; raises what it failed with."""
        while self._under_way:
            await self._under_way.popleft()


async def told(events: EventLogs, run: Execution) -> Told | None:
    """Return what a run's log tells of its blocks; None when the log is not there."""
    begun: dict[Place, tuple[int, datetime]] = {}
    ended: set[Place] = set()
    after = 0
    while page := await events.read(log_name(run), after):
        after = page[-1].number
        for event in page:
            data, kind = event.data["data"], event.data["type"]
            place = (data.get("blockId"), data.get("iteration"))
            if kind == "block:started":
                moment = datetime.fromisoformat(event.data["timestamp"])
                begun[place] = (data["executionOrder"], moment)
            elif kind in END_TYPES.values():
                ended.add(place)
    return Told(begun, frozenset(ended)) if after else None


def duration_ms(run: Execution) -> int | None:
    """Return how long a run took; None before its end."""
    if run.started_at is None or run.ended_at is None:
        return None
    return round((run.ended_at - run.started_at).total_seconds() * 1000)


def last_event(run: Execution) -> tuple[str, dict[str, JsonValue]]:
    """Return type and data of the one event that ends a run's log."""
    url = f"/api/workflows/{run.workflow_id}/executions/{run.id}"
    data: dict[str, JsonValue] = {
        "success": run.status == "completed",
        "output": shorten(run.output, lambda: url)[0],
        "duration": duration_ms(run) or 0,
        "startTime": wire_time(run.started_at),
        "endTime": wire_time(run.ended_at),
    }
    if run.error:
        data["error"] = run.error
    return LAST_TYPES[run.status], data


async def send_last(events: EventLogs, run: Execution) -> None:
    """Append the event that ends a run's log; only whoever ended the run may."""
    event = _envelope(run.id, run.workflow_id, *last_event(run))
    try:
        await events.append(log_name(run), event, is_last=True)
    except OutOfMemoryError:  # whoever follows the run finds its end in the row
        log.warning("last_event_not_written", execution_id=run.id)


def paused_data(run: Execution, pauses: Sequence[Pause]) -> dict[str, JsonValue]:
    """Return the data of the event that a run pauses, and what it waits for."""
    contexts: list[JsonValue] = [_context(run, pause) for pause in pauses]
    first = contexts[0] if contexts else {"contextId": None, "resumeUrl": None}
    assert isinstance(first, dict)
    return {"contextId": first["contextId"], "resumeUrl": first["resumeUrl"], "contexts": contexts}


def _context(run: Execution, pause: Pause) -> JsonValue:
    of = pause.shown.get("workflowId", run.workflow_id)
    return {
        "contextId": pause.id,
        "resumeUrl": f"/api/workflows/{of}/executions/{pause.execution_id}/resume",
        "kind": pause.kind,
        "blockId": pause.block_id,
        "message": pause.shown.get("message"),
        "fields": pause.shown.get("fields", []),
        "until": wire_time(pause.due_at),
    }


async def load_output(services: Services, run: Execution, data: Mapping[str, Any]) -> Any:
    """Return the output that the event of a finished block tells of, a large one too."""
    if not is_shortened(data["output"]):
        return data["output"]
    async with services.store.unit(run.workspace_id) as unit:
        rows = await unit.block_logs.of(run.id)
    place = (data["blockId"], data.get("iteration") or "")
    rows = [row for row in rows if (row.block_id, row.iteration) == place][-1:]
    await bring_back(services.blobs, rows)
    return rows[0].output if rows else None


async def send_paused(events: EventLogs, run: Execution, pauses: Sequence[Pause]) -> None:
    """Append the event that a run pauses, and have its log outlast the pause."""
    data = paused_data(run, pauses)
    await events.append(log_name(run), _envelope(run.id, run.workflow_id, PAUSED, data))
    await events.keep(log_name(run), KEEP_PAUSED_SECONDS)


async def follow(
    events: EventLogs, open_unit: OpenUnit, run: Execution, after: int
) -> AsyncIterator[Event | None]:
    """Yield a run's events after a number up to its last one, or to its pause if it is paused;
    None where nothing came for 10 s.

    A process that dies between ending a run and saying so leaves a log without its last event, and
    logs are kept for a day only. The row knows better: the end of a log that is gone is made up
    from it, and a log without its end is completed.
    """
    log = log_name(run)
    last = await events.at(log, after)
    if last and await _is_over(events, open_unit, run, last):
        return
    if run.status in TERMINAL and not await events.exists(log):
        yield _numbered(after + 1, _end(run))
        return
    async for event in events.follow(log, after):
        if event is not None:
            after = event.number
            yield _numbered(event.number, event.data)
            if await _is_over(events, open_unit, run, event):
                return
            continue
        yield None
        await _complete(events, open_unit, run, after)


async def _is_over(events: EventLogs, open_unit: OpenUnit, run: Execution, event: Event) -> bool:
    """Whether nothing comes after an event: it is the last, or the run is still paused there."""
    if event.data["type"] != PAUSED:
        return event.data["type"] in LAST_TYPES.values()
    if await events.at(log_name(run), event.number + 1):
        return False
    async with open_unit(run.workspace_id) as unit:
        now = await unit.executions.get(run.id)
    return now is not None and now.status == "paused"


async def _complete(events: EventLogs, open_unit: OpenUnit, run: Execution, after: int) -> None:
    """Append what whoever ended or paused the run should have said, if the log ends without it."""
    async with open_unit(run.workspace_id) as unit:
        now = await unit.executions.get(run.id)
        is_paused = now is not None and now.status == "paused"
        pauses = await unit.pauses.open_under(run.id) if is_paused else []
    if now is None:
        await events.append_after(log_name(run), after, _deleted(run))
    elif now.status in TERMINAL:
        await events.append_after(log_name(run), after, _end(now))
    elif is_paused:
        event = _envelope(now.id, now.workflow_id, PAUSED, paused_data(now, pauses), now.paused_at)
        await events.append_after(log_name(run), after, event)


def _deleted(run: Execution) -> dict[str, JsonValue]:
    """Return the end of a run that has no row any more: its workflow or workspace is gone."""
    error: JsonValue = {"code": NotFound.code, "message": "The run was deleted with its workflow."}
    data: dict[str, JsonValue] = {"success": False, "output": None, "error": error}
    return _envelope(run.id, run.workflow_id, LAST_TYPES["cancelled"], data)


def _end(run: Execution) -> dict[str, JsonValue]:
    return _envelope(run.id, run.workflow_id, *last_event(run), run.ended_at)


def _envelope(
    execution_id: str,
    workflow_id: str,
    kind: str,
    data: dict[str, JsonValue],
    moment: datetime | None = None,
) -> dict[str, JsonValue]:
    return {
        "type": kind,
        "timestamp": wire_time(moment or datetime.now(UTC)),
        "executionId": execution_id,
        "workflowId": workflow_id,
        "data": data,
    }


def _numbered(number: int, data: dict[str, Any]) -> Event:
    return Event(number, {**data, "eventId": number})
