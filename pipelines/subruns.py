"""Runs of other workflows that a run's blocks have run: begun once, taken up again after a crash.

Each is a run of its own, found again by the place it was begun at: block, iteration and attempt.
Whoever runs the block runs it too, so that no worker waits for another one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Literal

from pydantic import JsonValue

from core.errors import NuxaError, ValidationFailed
from core.ids import new_id
from core.services import Services
from core.slots import Slot
from core.store.executions import HOLDS_SLOT, TERMINAL, Execution
from core.store.pauses import Asked
from pipelines.blocks.base import Context
from pipelines.graph import Graph
from pipelines.journal import StoreJournal
from pipelines.masking import mask
from pipelines.outcome import final_output
from pipelines.run import Parent, RunRequest, cancel_under, start
from pipelines.run_limits import RunBudget, RunLimitExceeded
from pipelines.workflow import parse

MAX_DEPTH = 25
LOOK_SECONDS = 0.5  # at a run that another process has taken up
_Slot = Literal["lent", "extra"]
Execute = Callable[[Services, Execution, str], Awaitable[Execution | None]]


class SubRunFailed(NuxaError):
    """The run of another workflow failed, or was cancelled; ``error_code`` is what it failed by."""

    def __init__(self, message: str, error_code: str | None = None) -> None:
        super().__init__(message)
        self.error_code = error_code or self.code


class SubRuns:
    """Those of one run; ``execute`` runs one that this process has claimed."""

    def __init__(
        self, services: Services, run: Execution, execute: Execute, budget: RunBudget
    ) -> None:
        self._services, self._run, self._execute = services, run, execute
        self._budget = budget
        self._is_lent = False  # the slot of this run, to a run that one of its blocks waits for
        self._returned = asyncio.Event()
        self._asking = asyncio.Lock()  # one child is begun and asks for a slot, the others queue

    async def call(self, context: Context, workflow_id: str, given: JsonValue) -> JsonValue:
        """Return the output of a run of another workflow; raise what it failed with."""
        async with self._asking:
            child = await self._at(context) or await self._begun(context, workflow_id, given)
            slot = await self._take_slot(context, child)
        while slot is not None:
            try:
                await self._driven(child, slot)
            finally:
                await self._free_slot(child, slot)
            child = await self._again(child)
            async with self._asking:
                slot = await self._take_slot(context, child)
        if child.status != "completed":
            raise _error_of(child)
        return await self._output(child)

    async def abandon(self, context: Context) -> None:
        """Cancel the run that the block has begun, if it goes on."""
        async with self._services.store.unit(self._run.workspace_id) as unit:
            await cancel_under(unit, self._services, self._run, _place(context))

    async def _at(self, context: Context) -> Execution | None:
        async with self._services.store.unit(self._run.workspace_id) as unit:
            return await unit.subruns.at(self._run.id, _place(context))

    async def _begun(self, context: Context, workflow_id: str, given: JsonValue) -> Execution:
        self._budget.add_child()
        depth = self._run.depth + 1
        if depth > MAX_DEPTH:
            raise ValidationFailed(
                f"Workflows run each other more than {MAX_DEPTH} deep; look for one that comes to "
                "run itself, and end that circle."
            )
        secrets = context.scope.secrets
        shown = mask(given, secrets)
        sealed = self._services.sealer.seal(json.dumps(given)) if shown != given else None
        request = RunRequest(
            trigger="workflow",
            input=shown,
            draft="if_undeployed" if self._run.version is None else "never",
            created_by=self._run.created_by,
            parent=Parent(self._run.id, _place(context), depth, sorted(secrets), sealed),
        )
        async with self._services.store.unit(self._run.workspace_id) as unit:
            return await start(unit, self._services, workflow_id, request)

    async def _take_slot(self, context: Context, child: Execution) -> _Slot | None:
        """Wait for one of the plan's slots; return None for a run that has ended.

        The run around it only waits meanwhile, so its own slot serves one child at a time. So the
        deepest run always has one, and no run waits for a slot that those around it hold.
        """
        if child.status in TERMINAL:
            return None
        if child.status == "paused":
            await context.pauses.hold(context, Asked("workflow", {}, child_id=child.id))
        most, slots = self._budget.max_slots, self._services.slots
        account = self._budget.slot_account
        while self._is_lent and most is not None:
            if await slots.take(child.workspace_id, child.id, most, account) is not Slot.NONE:
                return "extra"
            self._returned.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._returned.wait()
        self._is_lent = True
        return "lent"

    async def _free_slot(self, child: Execution, slot: _Slot) -> None:
        if slot == "extra":
            await self._services.slots.free(child.workspace_id, child.id)
        else:
            self._is_lent = False
            self._returned.set()

    async def _driven(self, child: Execution, slot: _Slot) -> None:
        """Run what is left of a run, or wait a moment where another process does."""
        owner = new_id("sub")
        lease = timedelta(seconds=self._services.settings.lease_seconds)
        async with self._services.store.unit(child.workspace_id) as unit:
            mine = await unit.subruns.claim(child.id, owner, lease)
        if mine is None:
            await asyncio.sleep(LOOK_SECONDS)
            return
        if slot == "extra":  # of this object alone: it is renewed while this process runs the child
            mine.options = {**mine.options, HOLDS_SLOT: True}
        await self._execute(self._services, mine, owner)

    async def _again(self, child: Execution) -> Execution:
        async with self._services.store.unit(child.workspace_id) as unit:
            found = await unit.executions.get(child.id)
        if found is None:
            raise SubRunFailed("The run of the other workflow was deleted; run it again.")
        return found

    async def _output(self, child: Execution) -> JsonValue:
        """Return the output as it is, which the row shows with its secrets masked."""
        shown: JsonValue = child.output
        if "{{" not in json.dumps(shown):
            return shown
        journal = StoreJournal(self._services, child, owner="")
        graph = Graph(parse(child.definition))
        ended = [record for record in await journal.finished() if record.status != "skipped"]
        return final_output(
            graph.descendants, {r.block_id: r for r in ended if r.iteration is None}
        )


def _place(context: Context) -> str:
    return "/".join((*context.place, str(context.attempt)))


def _error_of(child: Execution) -> NuxaError:
    error = child.error or {}
    if error.get("code") == RunLimitExceeded.code and "limit" in error:
        return RunLimitExceeded(error["limit"], error["allowed"])
    said = error.get("message") or "it was cancelled"
    sentence = f"The run {child.id} of the other workflow {child.status}: {said}"
    return SubRunFailed(sentence, error.get("code"))
