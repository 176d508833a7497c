"""Limits of a plan that more workspaces do not multiply."""

from __future__ import annotations

from sqlalchemy import update

from core.services import Services
from core.slots import Slot
from core.store.workspaces import PLANS, Workspace
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

WAITING = definition([block("t", template="x")], "s>t")


async def _put_on_plan(services: Services, member: Member, plan: str) -> None:
    async with services.store.engine.begin() as connection:
        mine = update(Workspace).where(Workspace.owner_id == member.user_id)
        await connection.execute(mine.values(plan=plan))


async def _used(member: Member, workspace_id: str) -> int:
    answer = await member.browser.get("/api/workflows", params={"workspaceId": workspace_id})
    assert answer.status_code == 200
    headers = answer.headers
    return int(headers["X-RateLimit-Limit"]) - int(headers["X-RateLimit-Remaining"])


async def test_rate_limit_with_two_workspaces_of_one_owner_is_shared(
    member: Member, stranger: Member, services: Services
) -> None:
    made = await member.browser.post("/api/workspaces", json={"name": "second"})
    await _put_on_plan(services, member, "free")
    await _put_on_plan(services, stranger, "free")
    both = (member.workspace_id, made.json()["id"])
    for _ in range(3):  # a minute may end meanwhile, at most once
        counts = [await _used(member, workspace_id) for workspace_id in both * 2]
        if counts == sorted(counts):
            break
    assert [count - counts[0] for count in counts] == [0, 1, 2, 3]
    assert await _used(stranger, stranger.workspace_id) == 1


async def _hold_slots(services: Services, member: Member, workspace_id: str, count: int) -> None:
    """Hold slots as runs of the plan do."""
    async with services.store.system() as system:
        row = await system.workspaces.load(workspace_id)
    for number in range(count):
        limit = row.allowed.concurrent_executions
        slot = await services.slots.take(
            workspace_id, f"exec_{member.user_id}_{number}", limit, row.slot_account
        )
        assert slot is Slot.TAKEN


async def test_execute_with_slots_held_in_another_workspace_of_the_owner_is_limited(
    member: Member, stranger: Member, services: Services
) -> None:
    made = await member.browser.post("/api/workspaces", json={"name": "second"})
    second = made.json()["id"]
    await _put_on_plan(services, member, "free")
    await _put_on_plan(services, stranger, "free")
    allowed = PLANS["free"].concurrent_executions
    await _hold_slots(services, member, member.workspace_id, allowed)
    body = {"name": "W", "workspaceId": second, **WAITING}
    workflow = (await member.browser.post("/api/workflows", json=body)).json()["id"]
    path = f"/api/workflows/{workflow}/execute"
    draft = {"useDraft": True, "input": {}}
    refused = await member.browser.post(path, json=draft)
    assert refused.status_code == 429, refused.text
    assert refused.json()["error"]["details"]["reason"] == "concurrency"
    await _hold_slots(services, stranger, stranger.workspace_id, allowed)
    await services.slots.free(member.workspace_id, f"exec_{member.user_id}_0")
    assert (await member.browser.post(path, json=draft)).status_code == 200
