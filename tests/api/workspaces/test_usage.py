"""Usage: what is stored and what was spent, of this workspace and this time alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.ids import new_id
from core.services import Services
from core.store.chats import Chat
from core.store.executions import Execution
from core.store.messages import Message
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="Hi")], "s>t")


def _path(member: Member) -> str:
    return f"/api/workspaces/{member.workspace_id}/usage"


async def _usage(member: Member, **query: str) -> dict[str, Any]:
    answer = await member.program.get(_path(member), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _tokens(given: int, made: int) -> dict[str, int]:
    return {"input": given, "output": made, "total": given + made}


async def _spent(member: Member, services: Services) -> None:
    """Two runs on one day and one the day after; an answer of the copilot on the second."""
    made = await member.program.post("/api/workflows", json={"name": "W"})
    workflow_id = made.json()["id"]
    runs = [(4, "completed", 0.25), (4, "failed", None), (5, "completed", 0.5)]
    async with services.store.unit(member.workspace_id) as unit:
        for day, status, cost in runs:
            run = Execution(id=new_id("exec"), workflow_id=workflow_id, definition={})
            run.trigger, run.status, run.cost = "manual", status, cost
            run.input, run.output = {}, {}
            run.usage = _tokens(10, 2) if cost else None
            run.created_at = datetime(2026, 3, day, 23, 30, tzinfo=UTC)
            assert await unit.executions.insert(run)
        chat = Chat(id=new_id("chat"), user_id=member.user_id, title="t", mode="workspace-chat")
        turn = []
        for role, usage in (("user", None), ("assistant", _tokens(100, 20))):
            message = Message(id=new_id("msg"), chat_id=chat.id, role=role, content="x")
            message.usage, message.cost = usage, 0.125 if usage else None
            message.created_at = datetime(2026, 3, 5, 12, tzinfo=UTC)
            turn.append(message)
        await unit.messages.begin_turn(chat, *turn)


async def test_what_is_stored_is_counted_once(member: Member, stranger: Member) -> None:
    empty = await _usage(member)
    assert [empty[name] for name in ("documents", "chunks", "files", "storageBytes")] == [0] * 4
    base = (await member.program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    files = {"file": ("f.txt", b"some text")}
    file_id = (await member.program.post("/api/files/upload", files=files)).json()["id"]
    documents = f"/api/knowledge/{base}/documents"
    made = await member.program.post(documents, json={"fileId": file_id})
    assert made.status_code == 202
    text = await member.program.post(documents, json={"text": "twelve bytes", "name": "a.txt"})
    assert text.status_code == 202
    usage = await _usage(member)
    assert (usage["documents"], usage["files"]) == (2, 1)
    assert usage["storageBytes"] == len(b"some text") + len(b"twelve bytes")
    assert (await _usage(stranger))["storageBytes"] == 0


async def test_what_was_spent_is_told_by_status_and_day(
    member: Member, stranger: Member, services: Services
) -> None:
    await _spent(member, services)
    march = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    usage = await _usage(member, **march)
    assert (usage["from"], usage["to"]) == (march["from"], march["to"])
    assert usage["executions"] == {"completed": 2, "failed": 1}
    assert usage["messages"] == {"completed": 1}
    assert (usage["tokens"], usage["cost"]) == (_tokens(120, 24), 0.875)
    assert usage["days"] == [
        {"date": "2026-03-04", "executions": 2, "messages": 0, "tokens": _tokens(10, 2),
         "cost": 0.25},
        {"date": "2026-03-05", "executions": 1, "messages": 1, "tokens": _tokens(110, 22),
         "cost": 0.625},
    ]  # fmt: skip
    first = await _usage(member, **{**march, "to": "2026-03-05T00:00:00Z"})
    assert [day["date"] for day in first["days"]] == ["2026-03-04"]
    assert (await _usage(stranger, **march))["days"] == []


async def test_a_real_run_counts(member: Member) -> None:
    made = await member.program.post("/api/workflows", json={"name": "W", **HELLO})
    path = f"/api/workflows/{made.json()['id']}"
    await member.program.post(f"{path}/deploy")
    assert (await member.program.post(f"{path}/execute", json={})).json()["success"] is True
    usage = await _usage(member)
    assert usage["executions"] == {"completed": 1}
    assert [day["executions"] for day in usage["days"]] == [1]


async def test_a_time_that_is_none_is_refused(member: Member) -> None:
    for query in (
        {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"from": "2020-01-01T00:00:00Z"},
        {"from": "yesterday"},
        {"from": "2026-03-02T00:00:00"},
    ):
        answer = await member.program.get(_path(member), params=query)
        assert (query, answer.status_code) == (query, 400)
