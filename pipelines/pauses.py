"""Runs that wait without a worker: held by blocks, woken by people, times and other runs."""

from __future__ import annotations

from pydantic import JsonValue

from core.errors import Conflict, NotFound, RateLimited
from core.services import Services
from core.store.executions import HOLDS_SLOT, TERMINAL, Execution
from core.store.pauses import WAITING, Asked, Pause
from core.store.unit import Unit
from core.store.workspaces import Workspace
from pipelines.blocks.base import Context, Held
from pipelines.blocks.fields import InputField, check
from pipelines.journal import storable
from pipelines.live import send_paused
from pipelines.run import NO_LIMIT, taken_slot
from pipelines.trace import LeaseLost


class StorePauses:
    """The pauses of one run in the hands of one owner; ``held`` are those that it waits for."""

    def __init__(self, services: Services, run: Execution, owner: str) -> None:
        self._services, self._run, self._owner = services, run, owner
        self.held: list[str] = []

    async def hold(self, context: Context, asked: Asked) -> Pause:
        """Return the pause of the block once it is over; raise ``Held`` until then."""
        shown = storable({**asked.shown, "workflowId": self._run.workflow_id})
        asked = Asked(asked.kind, shown, asked.due_at, asked.child_id)
        async with self._services.store.unit(self._run.workspace_id) as unit:
            pause = await unit.pauses.ask(self._run.id, self._owner, context.place, asked)
        if pause is None:
            raise LeaseLost(f"run {self._run.id} is no longer {self._owner}'s")
        if pause.status == WAITING:
            self.held.append(pause.id)
            raise Held
        return pause

    async def pause_run(self) -> Execution | None:
        """Pause the run where nothing more can run; None when it is the owner's no more, or goes
        on at once since what it waits for has just come."""
        services, run = self._services, self._run
        async with services.store.unit(run.workspace_id) as unit:
            paused = await unit.pauses.pause_run(run.id, self._owner, self.held)
            pauses = await unit.pauses.open_under(run.id)
            if paused is not None and paused.status == "queued":
                unit.after_commit(lambda: services.queue.wake("executions", run.id))
        if paused is None or paused.status == "queued":
            return None
        if paused.options.get(HOLDS_SLOT):
            await services.slots.free(paused.workspace_id, paused.id)
        await send_paused(services.events, paused, pauses)
        return paused


async def resume(
    unit: Unit,
    services: Services,
    execution_id: str,
    context_id: str,
    given: JsonValue,
    slots: int,
    slot_account: str | None = None,
) -> Execution:
    """Answer what a run asks a person, once, and have it go on; the same answer again is no error.

    Raises ``NotFound``, ``Conflict`` (answered otherwise, out of time, ended, nothing a person
    answers), ``ValidationFailed`` where the input lacks a field, and ``RateLimited`` when the
    workspace's slots are taken.
    """
    found = await unit.pauses.lock(context_id)
    if found is None or found[0].execution_id != execution_id:
        raise NotFound("The run waits for no such contextId; read it in execution:paused.")
    pause, run = found
    given = storable(given)
    if pause.status == "answered" and pause.input == given:
        return run
    _require_open(pause, run)
    fields = [InputField.model_validate(item) for item in pause.shown.get("fields", [])]
    check(fields, given)
    pause.status, pause.input = "answered", given
    await _go_on(unit, services, run, slots, slot_account)
    return run


async def end_due(services: Services) -> None:
    """Have runs go on whose time, or other run, has come; those without a free slot wait on."""
    async with services.store.system() as unit:
        due = await unit.pause_jobs.due()
        workspaces = {id_: await unit.workspaces.get(id_) for id_ in {ws for ws, _ in due}}
    for workspace_id, pause_id in due:
        workspace = workspaces[workspace_id]
        if workspace is None:
            continue
        async with services.store.unit(workspace_id) as unit:
            await _end(unit, services, pause_id, workspace)


async def _end(unit: Unit, services: Services, pause_id: str, workspace: Workspace) -> None:
    found = await unit.pauses.lock(pause_id)
    if found is None or found[0].status != WAITING:
        return
    pause, run = found
    try:
        slots = workspace.allowed.concurrent_executions
        await _go_on(unit, services, run, slots, workspace.slot_account)
    except RateLimited:
        return
    pause.status = "due"


async def _go_on(
    unit: Unit, services: Services, run: Execution, slots: int, slot_account: str | None
) -> None:
    """Queue a paused run, with a slot if it needs one; one that still runs finds out by itself."""
    most = slots if run.options.get(HOLDS_SLOT) and run.status == "paused" else NO_LIMIT
    async with taken_slot(services, run.workspace_id, run.id, most, slot_account):
        if await unit.pauses.queue(run):
            unit.after_commit(lambda: services.queue.wake("executions", run.id))


def _require_open(pause: Pause, run: Execution) -> None:
    if pause.status == "answered":
        raise Conflict("This was answered otherwise; a question is answered once.")
    if run.status in TERMINAL:
        raise Conflict(f"The run has ended ({run.status}); start it again.")
    if pause.status != WAITING:
        raise Conflict("The time to answer is over; the run goes on without it.")
    if pause.kind != "human":
        raise Conflict("The run waits for a time, not for a person; it goes on by itself.")
