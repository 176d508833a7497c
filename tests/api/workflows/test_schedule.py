"""A workflow's schedule over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.services import Services
from pipelines.scheduling import fire
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition
from workers.upkeep import fire_schedules, forget_old_fires

HELLO = definition([block("t", template="Hi")], "s>t")


@pytest.fixture
async def path(member: Member) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **HELLO})
    found = f"/api/workflows/{made.json()['id']}"
    await member.browser.post(f"{found}/deploy")
    return found


async def test_set_shown_fired_and_deleted(member: Member, path: str, services: Services) -> None:
    given = {"cron": "*/5 * * * *", "timezone": "Europe/Berlin", "input": {"n": 1}}
    made = await member.program.put(f"{path}/schedule", json=given)
    assert made.status_code == 200
    assert (made.json()["misfire"], made.json()["enabled"]) == ("latest", True)
    due = datetime.fromisoformat(made.json()["nextFireAt"])
    assert due.minute % 5 == 0
    assert (await member.program.get(f"{path}/schedule")).json() == made.json()
    await fire_schedules(services)
    assert (await member.program.get(f"{path}/schedule/fires")).json()["data"] == []
    await fire(services, due)
    [row] = (await member.program.get(f"{path}/schedule/fires")).json()["data"]
    assert (row["status"], datetime.fromisoformat(row["fireAt"])) == ("started", due)
    record = await member.program.get(f"/api/v1/executions/{row['executionId']}")
    assert record.json()["trigger"] == "schedule"
    assert record.json()["input"]["n"] == 1
    later = (await member.program.get(f"{path}/schedule")).json()["nextFireAt"]
    assert datetime.fromisoformat(later) == due + timedelta(minutes=5)
    assert (await member.program.delete(f"{path}/schedule")).status_code == 204
    assert (await member.program.get(f"{path}/schedule")).status_code == 404
    await fire(services, due + timedelta(hours=1))
    await forget_old_fires(services)
    assert len((await member.program.get(f"{path}/schedule/fires")).json()["data"]) == 1


async def test_one_that_is_not_enabled_fires_not(
    member: Member, path: str, services: Services
) -> None:
    given = {"cron": "* * * * *", "enabled": False}
    answer = await member.program.put(f"{path}/schedule", json=given)
    assert answer.json()["nextFireAt"] is None
    await fire(services, datetime.fromisoformat(answer.json()["createdAt"]) + timedelta(days=1))
    assert (await member.program.get(f"{path}/schedule/fires")).json()["data"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"cron": "every day at noon"},
        {"cron": "* * * * * *"},
        {"cron": "0 0 30 2 *"},
        {"cron": "0 0 * * *", "timezone": "Mars/Base"},
        {"cron": "0 0 * * *", "misfire": "never"},
        {"cron": "0 0 * * *", "input": [1]},
    ],
)
async def test_refused(member: Member, path: str, wrong: dict[str, object]) -> None:
    assert (await member.program.put(f"{path}/schedule", json=wrong)).status_code == 400
    assert (await member.program.get(f"{path}/schedule")).status_code == 404


async def test_a_workflow_that_was_never_deployed_is_a_conflict(member: Member) -> None:
    made = await member.browser.post("/api/workflows", json={"name": "W", **HELLO})
    path = f"/api/workflows/{made.json()['id']}/schedule"
    answer = await member.program.put(path, json={"cron": "0 0 * * *"})
    assert answer.status_code == 409
    assert "deploy" in answer.json()["error"]["message"]
