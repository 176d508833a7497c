"""An id that a caller chose for a run is the caller's workspace's own: it leads nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member, SignUp
from tests.pipelines.shapes import block, definition

RUN_ID = {"X-Run-Id": "order-1"}


async def _workflow(owner: Member) -> str:
    """Deploy a workflow that repeats its input; return its path."""
    steps = definition([block("t", template="<start.secret>")], "s>t")
    made = await owner.browser.post("/api/workflows", json={"name": "w", **steps})
    path = f"/api/workflows/{made.json()['id']}"
    assert (await owner.browser.post(f"{path}/deploy")).status_code == 200
    return path


async def _run(owner: Member, path: str, secret: str) -> Any:
    sent = {"input": {"secret": secret}}
    return await owner.program.post(f"{path}/execute", json=sent, headers=RUN_ID)


async def _stream(owner: Member, path: str) -> str:
    answer = await owner.program.get(f"{path}/executions/order-1/stream")
    assert answer.status_code == 200
    return answer.text


async def test_execute_with_run_id_of_other_tenant_runs_separately(
    member: Member, stranger: Member
) -> None:
    mine, theirs = await _workflow(member), await _workflow(stranger)
    for owner, path, secret in ((member, mine, "mine!"), (stranger, theirs, "theirs!")):
        answer = await _run(owner, path, secret)
        assert (answer.status_code, answer.json()["executionId"]) == (200, "order-1")
        assert answer.json()["output"] == {"text": secret}
    for owner, path, secret in ((member, mine, "mine!"), (stranger, theirs, "theirs!")):
        record = (await owner.program.get(f"{path}/executions/order-1")).json()
        assert (record["id"], record["output"]) == ("order-1", {"text": secret})
        logged = await owner.browser.get("/api/logs/order-1")
        text = logged.text + await _stream(owner, path)
        assert secret in text
        assert ({"mine!", "theirs!"} - {secret}).pop() not in text
    assert (await _run(member, mine, "again")).status_code == 409


@pytest.mark.parametrize("is_same_tenant", [False, True])
async def test_stream_of_reused_run_id_shows_nothing_of_deleted_run(
    member: Member, sign_up: SignUp, is_same_tenant: bool
) -> None:
    first = await _workflow(member)
    assert (await _run(member, first, "of the deleted run")).status_code == 200
    assert (await member.browser.delete(first)).status_code in (200, 204)
    other = member if is_same_tenant else await sign_up()
    path = await _workflow(other)
    assert (await _run(other, path, "fresh")).status_code == 200
    told = await _stream(other, path)
    assert "fresh" in told
    assert "of the deleted run" not in told


async def test_event_log_written_before_run_is_not_read_by_run(
    member: Member, services: Services
) -> None:
    """Events that somebody left under the chosen id poison no later run."""
    for log in ("run:order-1", f"run:{member.workspace_id}:order-1"):
        await services.events.append(log, {"type": "poison", "data": {}}, is_last=True)
    path = await _workflow(member)
    assert (await _run(member, path, "fresh")).status_code == 200
    told = await _stream(member, path)
    assert "execution:completed" in told
    assert "poison" not in told
