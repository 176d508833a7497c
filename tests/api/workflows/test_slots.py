"""The plan's limit on runs at a time, asked of two servers at once."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from core.config import Settings
from core.services import Services
from pipelines.execute import claim, execute
from tests.api.conftest import Member, serving
from tests.pipelines.shapes import block, definition

pytestmark = pytest.mark.usefixtures("waiting_in_place")

HELLO = definition([block("t", template="Hi")], "s>t")
SLOW = definition([block("w", "wait", seconds=60)], "s>w")
ASYNC = {"async": True, "input": {}}


async def _deployed(member: Member, services: Services, raw: dict) -> str:
    async with services.store.system() as system:
        workspace = await system.workspaces.load(member.workspace_id)
        workspace.plan = "free"
    made = await member.program.post("/api/workflows", json={"name": "W", **raw})
    path = f"/api/workflows/{made.json()['id']}"
    assert (await member.program.post(f"{path}/deploy")).status_code == 200
    return f"{path}/execute"


async def test_the_free_plan_takes_exactly_five_whichever_server_is_asked(
    member: Member, services: Services, settings: Settings
) -> None:
    path = await _deployed(member, services, SLOW)
    async with (
        serving(settings) as other,
        httpx.AsyncClient(base_url=other, headers=member.program.headers, timeout=30) as second,
    ):
        clients = [member.program, second]
        asked = [clients[n % 2].post(path, json=ASYNC) for n in range(20)]
        answers = await asyncio.gather(*asked)
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {202: 5, 429: 15}
    for answer in answers:
        if answer.status_code == 429:
            error = answer.json()["error"]
            assert (error["code"], error["details"]) == ("RATE_LIMITED", {"reason": "concurrency"})
            assert int(answer.headers["Retry-After"]) >= 1
    listed = (await member.program.get(path.replace("execute", "executions"))).json()["data"]
    assert len(listed) == 5  # what was refused left no run


@pytest.mark.parametrize("mode", [{}, {"stream": True}])
async def test_a_run_in_the_server_takes_one_until_it_ends(
    member: Member, services: Services, mode: dict
) -> None:
    path = await _deployed(member, services, HELLO)
    for _ in range(7):  # more than there are slots
        answer = await member.program.post(path, json={**mode, "input": {}})
        assert answer.status_code == 200, answer.text
    assert not await services.slots.holders(member.workspace_id)


async def test_a_cancelled_run_makes_room(member: Member, services: Services) -> None:
    path = await _deployed(member, services, SLOW)
    runs = [(await member.program.post(path, json=ASYNC)).json()["executionId"] for _ in range(5)]
    assert (await member.program.post(path, json=ASYNC)).status_code == 429
    cancel = f"{path.removesuffix('execute')}executions/{runs[0]}/cancel"
    assert (await member.program.post(cancel)).json()["status"] == "cancelled"
    assert (await member.program.post(path, json=ASYNC)).status_code == 202


async def test_a_finished_run_makes_room(member: Member, services: Services) -> None:
    path = await _deployed(member, services, HELLO)
    for _ in range(5):
        assert (await member.program.post(path, json=ASYNC)).status_code == 202
    assert (await member.program.post(path, json=ASYNC)).status_code == 429
    taken = await claim(services, "w")
    assert taken is not None
    assert await execute(services, taken, "w") is not None
    assert (await member.program.post(path, json=ASYNC)).status_code == 202
