"""Limits of a plan that more workspaces do not multiply."""

from __future__ import annotations

from sqlalchemy import update

from core.services import Services
from core.store.workspaces import Workspace
from tests.api.conftest import Member


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
