"""A call that is sent again under its key is not done again, whatever became of the first."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.errors import ServiceUnavailable
from core.queue import Queue
from core.services import Services
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition
from workers.upkeep import forget_idempotency_keys

KEY = {"Idempotency-Key": "order-1"}
HELLO = definition([block("t", template="Hi <start.name>")], "s>t")


async def _sql(services: Services, statement: str) -> Any:
    async with services.store.engine.begin() as connection:
        result = await connection.execute(text(statement))
        return result.all() if result.returns_rows else None


async def _as_if_the_process_had_died(services: Services) -> None:
    """Put every key back to where it was between the work and its answer, a while ago."""
    await _sql(
        services,
        "UPDATE idempotency_keys SET lease_owner = 'gone', sealed_answer = NULL,"
        " lease_until = now() - interval '1 s'",
    )


async def _bases(member: Member) -> list[str]:
    listed = (await member.browser.get("/api/knowledge")).json()["data"]
    return [base["id"] for base in listed]


async def _execute_path(member: Member, raw: dict[str, Any]) -> str:
    made = await member.program.post("/api/workflows", json={"name": "W", **raw})
    path = f"/api/workflows/{made.json()['id']}"
    assert (await member.program.post(f"{path}/deploy")).status_code == 200
    return f"{path}/execute"


async def _run_ids(member: Member, path: str) -> list[str]:
    listed = await member.browser.get(path.replace("/execute", "/executions"))
    return [run["id"] for run in listed.json()["data"]]


async def test_a_repeat_gets_the_first_answer(member: Member) -> None:
    body = {"name": "once", "description": "d"}
    first = await member.program.post("/api/knowledge", json=body, headers=KEY)
    assert first.status_code == 201
    again = {"description": "d", "name": "once"}
    repeat = await member.program.post("/api/knowledge", json=again, headers=KEY)
    assert (repeat.status_code, repeat.content) == (201, first.content)
    assert repeat.headers["Content-Type"] == first.headers["Content-Type"]
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert repeat.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert await _bases(member) == [first.json()["id"]]


async def test_another_call_under_the_key_is_refused(member: Member) -> None:
    await member.program.post("/api/knowledge", json={"name": "a"}, headers=KEY)
    for path in ("/api/knowledge", "/api/workflows", "/api/knowledge?workspaceId="):
        path = path + member.workspace_id if path.endswith("=") else path
        other = await member.program.post(path, json={"name": "b"}, headers=KEY)
        assert (path, other.status_code) == (path, 409)
        assert other.json()["error"]["code"] == "CONFLICT"
    assert len(await _bases(member)) == 1


async def test_a_key_is_its_callers_and_its_workspaces(member: Member, stranger: Member) -> None:
    second = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()["id"]
    calls = [
        member.program.post("/api/knowledge", json={"name": "a"}, headers=KEY),
        member.browser.post("/api/knowledge", json={"name": "b"}, headers=KEY),
        stranger.program.post("/api/knowledge", json={"name": "c"}, headers=KEY),
        member.browser.post(
            "/api/knowledge", json={"name": "d", "workspaceId": second}, headers=KEY
        ),
    ]
    answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 4


async def test_many_at_once_do_it_once(member: Member) -> None:
    calls = [
        member.program.post("/api/knowledge", json={"name": "once"}, headers=KEY) for _ in range(12)
    ]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} <= {201, 409}
    (made,) = await _bases(member)
    assert {a.json()["id"] for a in answers if a.status_code == 201} == {made}
    for answer in answers:
        if answer.status_code == 409:
            assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.usefixtures("waiting_in_place")
async def test_while_the_first_is_at_work_a_repeat_waits(
    member: Member, services: Services
) -> None:
    path = await _execute_path(member, definition([block("w", "wait", seconds=60)], "s>w"))
    first = asyncio.create_task(member.program.post(path, json={"input": 1}, headers=KEY))
    while not (runs := await _run_ids(member, path)):
        await asyncio.sleep(0.02)
    repeat = await member.program.post(path, json={"input": 1}, headers=KEY)
    assert (repeat.status_code, repeat.headers["Retry-After"]) == (409, "1")
    await member.program.post(f"{path.replace('/execute', '/executions')}/{runs[0]}/cancel")
    answer = await first
    assert answer.json()["status"] == "cancelled"
    repeat = await member.program.post(path, json={"input": 1}, headers=KEY)
    assert (repeat.content, len(await _run_ids(member, path))) == (answer.content, 1)


async def test_what_failed_may_be_tried_again(member: Member) -> None:
    refused = await member.program.post("/api/knowledge", json={"name": ""}, headers=KEY)
    assert refused.status_code == 400
    path = "/api/knowledge/kb_1/documents"
    text_body = {"text": "a", "name": "a.txt"}
    assert (await member.program.post(path, json=text_body, headers=KEY)).status_code == 404
    made = await member.program.post("/api/knowledge", json={"name": "b"}, headers=KEY)
    assert made.status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "ü"])
async def test_a_bad_key_is_refused(member: Member, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await member.program.post("/api/knowledge", json={"name": "a"}, headers=headers)
    assert (answer.status_code, await _bases(member)) == (400, [])


async def test_a_sync_run_is_run_once(member: Member) -> None:
    shape = block(
        "r", "response", status=201, headers={"X-Workflow-Shape": "round"}, data='"<start.name>"'
    )
    path = await _execute_path(member, definition([shape], "s>r"))
    first = await member.program.post(path, json={"name": "Ada"}, headers=KEY)
    repeat = await member.program.post(path, json={"name": "Ada"}, headers=KEY)
    assert first.status_code == 201
    for name in ("X-Execution-Id", "X-Workflow-Shape"):
        assert repeat.headers[name] == first.headers[name]
    assert (repeat.status_code, repeat.content) == (201, first.content)
    assert await _run_ids(member, path) == [first.headers["X-Execution-Id"]]


async def test_a_stream_is_attached_to(member: Member) -> None:
    path, body = await _execute_path(member, HELLO), {"input": {"name": "S"}, "stream": True}
    first = await member.program.post(path, json=body, headers=KEY)
    repeat = await member.program.post(path, json=body, headers=KEY)
    assert first.text.endswith("data: [DONE]\n\n")
    assert repeat.text == first.text
    rest = await member.program.post(path, json=body, headers={**KEY, "Last-Event-ID": "2"})
    assert first.text.endswith(rest.text)
    assert rest.text.startswith("id: 3\n")
    assert len(await _run_ids(member, path)) == 1


@pytest.mark.parametrize("body", [{"name": "C"}, {"input": {}, "async": True}])
async def test_a_run_whose_process_died_is_found_again(
    member: Member, services: Services, body: dict[str, Any]
) -> None:
    path = await _execute_path(member, HELLO)
    first = await member.program.post(path, json=body, headers=KEY)
    await _as_if_the_process_had_died(services)
    repeat = await member.program.post(path, json=body, headers=KEY)
    assert (repeat.status_code, repeat.json()) == (first.status_code, first.json())
    assert "Idempotency-Replayed" not in repeat.headers
    assert await _run_ids(member, path) == [repeat.json()["executionId"]]


async def test_a_claim_of_a_dead_process_stands_until_its_lease_ends(
    member: Member, services: Services
) -> None:
    body = {"name": "a"}
    await member.program.post("/api/knowledge", json=body, headers=KEY)
    await _sql(
        services,
        "UPDATE idempotency_keys SET lease_owner = 'gone', sealed_answer = NULL,"
        " lease_until = now() + interval '1 min'",
    )
    repeat = await member.program.post("/api/knowledge", json=body, headers=KEY)
    assert (repeat.status_code, repeat.headers["Retry-After"]) == (409, "1")
    await _as_if_the_process_had_died(services)
    other = await member.program.post("/api/knowledge", json={"name": "b"}, headers=KEY)
    assert other.status_code == 409
    assert (await member.program.post("/api/knowledge", json=body, headers=KEY)).status_code == 201


async def test_a_run_that_could_not_be_announced_is_found_again(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, body = await _execute_path(member, HELLO), {"input": {}, "async": True}

    async def broken(*_: object) -> None:
        raise ServiceUnavailable("The queue does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "wake", broken)
        first = await member.program.post(path, json=body, headers=KEY)
    assert first.status_code == 503
    execution_id = first.json()["error"]["details"]["executionId"]
    repeat = await member.program.post(path, json=body, headers=KEY)
    assert (repeat.status_code, repeat.json()["executionId"]) == (202, execution_id)
    assert await _run_ids(member, path) == [execution_id]


async def test_a_turn_of_the_copilot_is_taken_once(member: Member, services: Services) -> None:
    body = {"message": "What is there?"}
    first = await member.program.post("/api/copilot/chat", json=body, headers=KEY)
    await _as_if_the_process_had_died(services)
    repeat = await member.program.post("/api/copilot/chat", json=body, headers=KEY)
    assert first.status_code == 200, first.text
    assert repeat.json() == first.json()
    asked = {"message": "Streamed?"}
    other = {"Idempotency-Key": "order-2"}
    streams = [
        await member.program.post("/api/copilot/stream", json=asked, headers=other)
        for _ in range(2)
    ]
    assert streams[0].text == streams[1].text
    assert len((await member.program.get("/api/copilot/chats")).json()["data"]) == 2


async def test_an_answer_with_a_secret_is_kept_sealed(member: Member, services: Services) -> None:
    made = await member.browser.post("/api/auth/api-keys", json={"name": "k"}, headers=KEY)
    repeat = await member.browser.post("/api/auth/api-keys", json={"name": "k"}, headers=KEY)
    assert repeat.json() == made.json()
    (row,) = await _sql(services, "SELECT id, fingerprint, sealed_answer FROM idempotency_keys")
    secret = made.json()["key"]
    assert all(secret not in column for column in row)
    assert secret not in str(await _sql(services, "SELECT * FROM audit_events"))


async def test_keys_are_kept_for_a_day(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    for name in ("order-1", "order-2"):
        headers = {"Idempotency-Key": name}
        await member.program.post("/api/knowledge", json={"name": "a"}, headers=headers)
    await forget_idempotency_keys(services)
    assert len(await _sql(services, "SELECT id FROM idempotency_keys")) == 2
    await _sql(services, "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'")
    made = await member.program.post("/api/knowledge", json={"name": "b"}, headers=KEY)
    assert (made.status_code, len(await _bases(member))) == (201, 3)
    await forget_idempotency_keys(services)
    assert len(await _sql(services, "SELECT id FROM idempotency_keys")) == 1


async def test_who_is_in_no_workspace_may_use_keys_too(member: Member, services: Services) -> None:
    workspace = f"/api/workspaces/{member.workspace_id}"
    assert (await member.browser.delete(workspace)).status_code == 204
    answers = [
        await member.browser.post("/api/workspaces", json={"name": "New"}, headers=KEY)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    listed = (await member.browser.get("/api/workspaces")).json()["data"]
    assert [row["id"] for row in listed] == [answers[1].json()["id"]]


async def test_upload_with_repeated_key_stores_one_file(member: Member) -> None:
    async def upload(content: bytes, name: str = "a.txt") -> httpx.Response:
        return await member.program.post(
            "/api/files/upload", files={"file": (name, content)}, headers=KEY
        )

    first, repeat = await upload(b"hello"), await upload(b"hello")
    assert first.status_code == 201, first.text
    assert (repeat.status_code, repeat.json()) == (201, first.json())
    assert repeat.headers["Idempotency-Replayed"] == "true"
    for other in (await upload(b"other"), await upload(b"hello", "b.txt")):
        assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT")
    assert len((await member.program.get("/api/files")).json()["data"]) == 1


async def test_document_form_with_repeated_key_adds_one_document(member: Member) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "B"})).json()
    path = f"/api/knowledge/{base['id']}/documents"
    given: dict[str, Any] = {"files": {"file": ("a.txt", b"hello")}, "headers": KEY}
    first = await member.program.post(path, data={"metadata": '{"a": 1}'}, **given)
    repeat = await member.program.post(path, data={"metadata": '{"a": 1}'}, **given)
    assert (first.status_code, repeat.status_code) == (202, 202), first.text
    assert repeat.json()["id"] == first.json()["id"]
    other = await member.program.post(path, data={"metadata": '{"a": 2}'}, **given)
    assert other.status_code == 409
