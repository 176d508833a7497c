"""The life of a run in the process that holds its lease.

Running an execution again replays the blocks that are written and runs the rest, so a crash, a
restart and a run that is taken over are the same thing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pydantic import JsonValue
from redis.exceptions import OutOfMemoryError

from core import tally
from core.claiming import claimed
from core.errors import NuxaError, ServiceUnavailable, TimedOut
from core.events import REDIS_FULL
from core.services import Services
from core.store.executions import HOLDS_SLOT, Execution
from pipelines.blocks.base import Context, Held
from pipelines.blocks.component import BlockFailed
from pipelines.journal import StoreJournal, storable
from pipelines.level import LevelResult, run_level
from pipelines.live import RunEvents, told, wire_time
from pipelines.pauses import StorePauses
from pipelines.prepared import prepare
from pipelines.run import cancel_under, close, extent_of, has_workflow_blocks
from pipelines.run_limits import RunBudget, RunLimitExceeded, load_budget
from pipelines.scope import RunScope
from pipelines.subruns import SubRuns
from pipelines.trace import LeaseLost, Told, Trace

HEARTBEAT_SECONDS = 1.0  # how soon a running block learns that its run was cancelled
MAX_RECOVERIES = 3
_CANCEL_AGAIN_SECONDS = 1.0
log = logging.getLogger(__name__)


async def claim(services: Services, owner: str) -> Execution | None:
    """Take the next waiting run of any workspace for this process; None when none waits."""

    async def give_back(run: Execution | None) -> None:
        if run is not None:
            await _put_back(services, run, owner)

    return await claimed(_claim(services, owner), give_back)


async def _claim(services: Services, owner: str) -> Execution | None:
    lease = timedelta(seconds=services.settings.lease_seconds)
    async with services.store.system() as unit:
        return await unit.execution_jobs.claim(owner, lease)


async def execute(
    services: Services,
    run: Execution,
    owner: str,
    *,
    is_new: bool = False,
    budget: RunBudget | None = None,
    local_bytes: int | None = None,
) -> Execution | None:
    """Run what is left of a run that ``owner`` holds; return the row as it ended or paused.

    None when it was cancelled or taken over meanwhile, or queued again: then somebody else has
    ended it or will. Cancelling this coroutine puts the run back for another process. ``is_new``
    says that nobody can have begun it; ``budget`` is that of the run whose block waits for it. A
    run that keeps more than ``local_bytes`` is queued again before its next block.
    """
    if run.recoveries > MAX_RECOVERIES:
        sentence = "Its worker died four times; look into the service's log and run it again."
        return await _end(services, run, owner, _failed("WORKER_LOST", sentence))
    pauses = StorePauses(services, run, owner)
    is_root = budget is None
    budget = budget or await load_budget(services, run.workspace_id, local_bytes)
    work = asyncio.create_task(_work(services, run, owner, pauses, is_new, budget))
    try:
        while not (await asyncio.wait({work}, timeout=_next_look(run, budget)))[0]:
            if _seconds_left(run, budget) <= 0:
                await _stop(work)
                return await _end(services, run, owner, _overtime(run, budget))
            if not await _renew(services, run, owner):
                await _stop(work)
                return None
        return await _conclude(services, run, owner, work, pauses, budget)
    except asyncio.CancelledError:
        await _stop(work)
        await _put_back(services, run, owner)
        raise
    finally:
        if is_root:
            await tally.add(services.redis, {"run_kept_bytes": budget.kept_bytes})


async def _work(
    services: Services,
    run: Execution,
    owner: str,
    pauses: StorePauses,
    is_new: bool,
    budget: RunBudget,
) -> LevelResult:
    prepared = prepare(run.workflow_id, run.version, run.definition)
    events = RunEvents(services.events, run)
    earlier = None if is_new else await told(services.events, run)
    if earlier is None:
        await events.send("execution:started", {"startTime": wire_time(run.started_at)})
    secrets = await _secrets(services, run, prepared.secrets)
    journal = StoreJournal(services, run, owner)
    scope = RunScope.of(prepared.definition, secrets)
    context = Context(
        budget=budget,
        workspace_id=run.workspace_id,
        workflow_id=run.workflow_id,
        execution_id=run.id,
        block_id="",
        iteration=None,
        input=_input(services, run),
        scope=scope,
        services=services,
        emit=events.send,
        pauses=pauses,
        calls=SubRuns(services, run, partial(execute, budget=budget), budget),
    )
    # What an earlier run had finished is no event of this one.
    is_taking_over = bool(run.options.get("fromExecutionId"))
    told_all = Told(is_all=earlier is None and is_taking_over)
    trace = Trace(journal, events.send, secrets, earlier or told_all, budget, run.id)
    if not is_new and run.parent_id is None and has_workflow_blocks(run):
        async with services.store.unit(run.workspace_id) as unit:
            budget.children = await unit.subruns.count_under(run.id)
    if not is_new or is_taking_over:
        await trace.replay()
    async with services.beginnings.one(run.workspace_id) if is_new else nullcontext():
        result = await run_level(prepared.graph, extent_of(run), scope, trace, context)
    await events.arrived()
    return result


async def _conclude(
    services: Services,
    run: Execution,
    owner: str,
    work: asyncio.Task[LevelResult],
    pauses: StorePauses,
    budget: RunBudget,
) -> Execution | None:
    """Write the end, or the pause, that finished work has come to."""
    try:
        result = work.result()
    except LeaseLost:
        return None
    except Held:
        if not budget.is_locally_spent:
            return await pauses.pause_run()
        await _put_back(services, run, owner)
        return None
    except BlockFailed as failed:
        record = failed.record
        place = {"blockId": record.block_id, "blockName": record.block_name}
        end = _failed(record.error_code or failed.code, failed.message, place)
    except RunLimitExceeded as error:
        end = _failed(error.code, error.message, error.details)
    except NuxaError as error:
        end = _failed(error.code, error.message)
    except OutOfMemoryError:
        log.exception("redis_memory_full", extra={"execution_id": run.id})
        end = _failed(ServiceUnavailable.code, REDIS_FULL)
    except Exception:
        log.exception("run %s", run.id)
        end = _failed(NuxaError.code, "It failed unexpectedly; the service's log has the details.")
    else:
        end = {
            "status": "completed",
            "output": storable(result.shown_output),
            "usage": dict(result.usage) or None,
            "cost": result.cost,
        }
    return await _end(services, run, owner, end)


def _overtime(run: Execution, budget: RunBudget) -> dict[str, Any]:
    """Return how a run ends that took longer than its caller, or else its plan, allows."""
    limit = run.options.get("timeoutSeconds")
    if limit and _seconds_of(run) >= float(limit):
        sentence = f"It took longer than {limit} s and was stopped."
        return {**_failed(TimedOut.code, sentence), "status": "cancelled"}
    error = RunLimitExceeded("runSeconds", budget.limits.run_seconds)
    return _failed(error.code, error.message, error.details)


def _failed(code: str, message: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    error = {"code": code, "message": storable(message), **(more or {})}
    return {"status": "failed", "error": error}


async def _end(
    services: Services, run: Execution, owner: str, end: dict[str, Any]
) -> Execution | None:
    # The end of a run that may have begun others takes them along.
    is_alone = run.parent_id is None and not has_workflow_blocks(run)
    if not (is_alone and await services.store.run_writer.finish(run, owner, end)):
        async with services.store.unit(run.workspace_id) as unit:
            if not await unit.executions.finish(run, owner, end):
                return None
            await cancel_under(unit, services, run)
    await close(services, run)
    return run


async def _renew(services: Services, run: Execution, owner: str) -> bool:
    lease = timedelta(seconds=services.settings.lease_seconds)
    async with services.store.unit(run.workspace_id) as unit:
        is_mine = await unit.executions.renew(run.id, owner, lease)
    if is_mine and run.options.get(HOLDS_SLOT):
        await services.slots.renew(run.workspace_id, run.id)
    return is_mine


async def _put_back(services: Services, run: Execution, owner: str) -> None:
    async with services.store.unit(run.workspace_id) as unit:
        if await unit.executions.release(run.id, owner):
            unit.after_commit(lambda: services.queue.wake("executions", run.id))


def _input(services: Services, run: Execution) -> JsonValue:
    """Return the run's input as it was given, where the row shows it with secrets masked."""
    sealed = run.options.get("sealedInput")
    given: JsonValue = json.loads(services.sealer.open(sealed)) if sealed else run.input
    return given


async def _secrets(services: Services, run: Execution, own: frozenset[str]) -> dict[str, str]:
    """Return the secrets that the definition names, or a run around this one, opened."""
    named = own | set(run.options.get("secrets", ()))
    if not named:
        return {}
    async with services.store.unit(run.workspace_id) as unit:
        sealed = await unit.secrets.all_sealed()
    return {name: services.sealer.open(sealed[name]) for name in named & sealed.keys()}


async def _stop(work: asyncio.Task[LevelResult]) -> None:
    """Cancel until it is over: a client of a server may swallow a cancellation as it connects."""
    while not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=_CANCEL_AGAIN_SECONDS)
    await asyncio.gather(work, return_exceptions=True)


def _next_look(run: Execution, budget: RunBudget) -> float:
    return max(0.0, min(HEARTBEAT_SECONDS, _seconds_left(run, budget)))


def _seconds_left(run: Execution, budget: RunBudget) -> float:
    if run.started_at is None:
        return float("inf")
    most = float(budget.limits.run_seconds)
    limit = run.options.get("timeoutSeconds")
    return (min(float(limit), most) if limit else most) - _seconds_of(run)


def _seconds_of(run: Execution) -> float:
    """Return how long a run has worked, pauses left out."""
    if run.started_at is None:
        return 0.0
    return (datetime.now(UTC) - run.started_at).total_seconds() - run.paused_seconds
