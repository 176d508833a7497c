"""What one run, and the runs under it, may use: bytes kept, blocks, runs of other workflows, time.

The plan says how much. What is used is counted by the process that drives the run of the root;
a run that is taken up again counts first what is written of it.
"""

from __future__ import annotations

import time
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from pydantic import JsonValue

from core.errors import NuxaError
from core.json_values import measure_json
from core.services import Services
from core.store.unit import Store
from core.store.workspaces import PLANS, UNLIMITED, Limits

_CACHE_SECONDS: Final = 30.0
_MAX_CACHED: Final = 10_000
MAX_VALUE_BYTES: Final = 16 * 1024**2  # of a block's input or output: it is written at once
_MEANINGS: Final = {
    "valueBytes": "may have inputs and outputs of {allowed:,} bytes a block; return less",
    "runBytes": "may keep {allowed:,} bytes of inputs, outputs and files; pass smaller values on",
    "runBlocks": "may run {allowed:,} blocks, those of iterations counted each time",
    "runSeconds": "may take {allowed:,} s; split the work into several runs",
    "childRuns": "may start {allowed:,} runs of other workflows, nested ones included",
}
_Known: TypeAlias = tuple[float, Limits, str | None]  # until when, limits, slot account
_cached: Final[WeakKeyDictionary[Store, dict[str, _Known]]] = WeakKeyDictionary()


class RunLimitExceeded(NuxaError):
    """A run used up what its plan allows; ``details.limit`` says of what. Nothing retries it."""

    code = "LIMIT_EXCEEDED"
    status = 400

    def __init__(self, limit: str, allowed: int) -> None:
        sentence = f"A run {_MEANINGS[limit].format(allowed=allowed)} (limit {limit})."
        super().__init__(sentence, {"limit": limit, "allowed": allowed})


class RunBudget:
    """What a tree of runs has used; one object for all of them.

    ``slot_account`` is whose workspaces share the slots; ``local_bytes`` is what the process that
    drives it may keep before it leaves it to a worker.
    """

    def __init__(
        self,
        limits: Limits = PLANS["enterprise"],
        account: str | None = None,
        local_bytes: int | None = None,
    ) -> None:
        self.limits = limits
        self.slot_account = account
        self.local_bytes = local_bytes
        self.kept_bytes = 0
        self.blocks = 0
        self.children = 0

    def keep(self, value: JsonValue) -> None:
        """Count a value that is to be kept; raise ``RunLimitExceeded``, or ``JsonTooDeep``."""
        allowed = self.limits.run_bytes
        size = measure_json(value, min(MAX_VALUE_BYTES, max(0, allowed - self.kept_bytes)))
        self.kept_bytes += size
        if self.kept_bytes > allowed:
            raise RunLimitExceeded("runBytes", allowed)
        if size > MAX_VALUE_BYTES:
            raise RunLimitExceeded("valueBytes", MAX_VALUE_BYTES)

    def add_file_bytes(self, size: int) -> None:
        """Count files before they are stored; raise ``RunLimitExceeded``."""
        self.kept_bytes += size
        if self.kept_bytes > self.limits.run_bytes:
            raise RunLimitExceeded("runBytes", self.limits.run_bytes)

    @property
    def is_locally_spent(self) -> bool:
        """Whether a worker should go on with the run."""
        return self.local_bytes is not None and self.kept_bytes > self.local_bytes

    def add_block(self) -> None:
        self.blocks += 1
        if self.blocks > self.limits.run_blocks:
            raise RunLimitExceeded("runBlocks", self.limits.run_blocks)

    def add_child(self) -> None:
        self.children += 1
        if self.children > self.limits.child_runs:
            raise RunLimitExceeded("childRuns", self.limits.child_runs)

    @property
    def max_slots(self) -> int | None:
        """How many runs of the workspace may go on at a time; None for any number."""
        most = self.limits.concurrent_executions
        return None if most == UNLIMITED else most


async def load_budget(
    services: Services, workspace_id: str, local_bytes: int | None = None
) -> RunBudget:
    """Return a new run's budget, by the workspace's plan as it was at most half a minute ago."""
    cached = _cached.setdefault(services.store, {})
    expires, limits, account = cached.get(workspace_id, (0.0, PLANS["free"], None))
    if time.monotonic() < expires:
        return RunBudget(limits, account, local_bytes)
    async with services.store.system() as system:
        workspace = await system.workspaces.get(workspace_id)
    limits = PLANS["free"] if workspace is None else workspace.allowed
    account = None if workspace is None else workspace.slot_account
    if len(cached) >= _MAX_CACHED:
        cached.clear()
    cached[workspace_id] = (time.monotonic() + _CACHE_SECONDS, limits, account)
    return RunBudget(limits, account, local_bytes)
