"""A workspace's plan and limits, as an operator sees and sets them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.config import Settings
from core.errors import NotFound, NuxaError
from core.services import NotConfigured
from core.store.audit import OPERATOR
from core.store.unit import SystemUnit, open_store
from core.store.workspaces import UNLIMITED, Workspace

Change = Callable[[SystemUnit, Workspace], Awaitable[None]]


class NotEnterprise(NuxaError):
    """The limits of the other plans are the plans' own."""


async def described(settings: Settings, workspace_id: str) -> str:
    """Return a workspace's plan and limits as lines to read."""

    async def nothing(_unit: SystemUnit, _row: Workspace) -> None:
        return None

    return await _changed(settings, workspace_id, nothing)


async def set_plan(settings: Settings, workspace_id: str, plan: str) -> str:
    """Put a workspace on a plan; return how it is then."""

    async def change(unit: SystemUnit, row: Workspace) -> None:
        unit.audit.record(row.id, OPERATOR, "plan.changed", None, {"old": row.plan, "new": plan})
        row.plan = plan

    return await _changed(settings, workspace_id, change)


async def set_limits(settings: Settings, workspace_id: str, limits: dict[str, int]) -> str:
    """Set limits of an enterprise workspace, those that are named; return how it is then."""

    async def change(unit: SystemUnit, row: Workspace) -> None:
        if row.plan != "enterprise":
            raise NotEnterprise(
                f"The plan {row.plan} has limits of its own: `workspace set-plan {row.id} "
                "enterprise` first."
            )
        unit.audit.record(row.id, OPERATOR, "limits.changed", None, dict(limits))
        row.limits = {**row.limits, **limits}

    return await _changed(settings, workspace_id, change)


async def _changed(settings: Settings, workspace_id: str, change: Change) -> str:
    if settings.database_url is None:
        raise NotConfigured("Set NUXA_DATABASE_URL first, to the database of the service.")
    store = open_store(settings.database_url, settings)
    try:
        async with store.system() as unit:
            row = await unit.workspaces.get(workspace_id)
            if row is None:
                raise NotFound(f"There is no workspace {workspace_id}.")
            await change(unit, row)
            members = (await unit.workspaces.member_counts([row.id])).get(row.id, 0)
    finally:
        await store.close()
    return _lines(row, members)


def _lines(row: Workspace, members: int) -> str:
    allowed = row.allowed
    lines = {
        "workspace": f"{row.id} ({row.name})",
        "plan": row.plan,
        "requests a minute": _number(allowed.requests_per_minute),
        "concurrent executions": _number(allowed.concurrent_executions),
        "bytes a run": str(allowed.run_bytes),
        "blocks a run": str(allowed.run_blocks),
        "seconds a run": str(allowed.run_seconds),
        "child runs a run": str(allowed.child_runs),
        "members": str(members),
    }
    return "\n".join(f"{name:22} {value}" for name, value in lines.items())


def _number(limit: int) -> str:
    return "no limit" if limit == UNLIMITED else str(limit)
