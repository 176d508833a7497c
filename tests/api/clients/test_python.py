"""The Python client against the running service, and its manners against a scripted one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import nuxa
import pytest
from nuxa import AsyncNuxaClient, NuxaClient

from core.services import Services
from tests.api.bearers import bearer_of_session
from tests.api.conftest import Member
from tests.bases import write_base
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="Hi <start.message>")], "s>t")


def _given(member: Member) -> dict[str, Any]:
    return {
        "api_key": member.program.headers["x-api-key"],
        "base_url": str(member.program.base_url),
    }


@pytest.fixture
async def client(member: Member) -> AsyncIterator[AsyncNuxaClient]:
    async with AsyncNuxaClient(**_given(member)) as opened:
        yield opened


@pytest.fixture
async def workflow_id(client: AsyncNuxaClient) -> str:
    workflow = await client.workflows.create({"name": "hello", **HELLO})
    assert (await client.workflows.deploy(workflow.id)).is_deployed
    return workflow.id


async def test_the_references_example_runs_as_written(member: Member, workflow_id: str) -> None:
    def example() -> Any:
        with NuxaClient(**_given(member)) as client:
            return client.workflows.execute(workflow_id, {"input": {"message": "Hello"}})

    result = await asyncio.to_thread(example)
    assert (result.success, result.output) == (True, {"text": "Hi Hello"})


async def test_the_same_methods_are_awaited(client: AsyncNuxaClient, workflow_id: str) -> None:
    result = await client.workflows.execute(workflow_id, {"input": {"message": "there"}})
    assert result.output == {"text": "Hi there"}
    (run,) = [row async for row in client.workflows.executions(workflow_id)]
    assert (run.id, run.status) == (result.execution_id, "completed")
    assert (await client.logs.get(run.id)).trace_spans[0]["status"] == "completed"


async def test_lists_are_read_over_all_pages(client: AsyncNuxaClient) -> None:
    names = {f"w{n}" for n in range(5)}
    for name in names:
        await client.workflows.create({"name": name})
    assert {row.name async for row in client.workflows.list(limit=2)} == names


async def test_a_stream_that_is_cut_goes_on(member: Member, workflow_id: str) -> None:
    cut = _Cut(httpx.AsyncHTTPTransport(), after=2)
    async with AsyncNuxaClient(**_given(member), transport=cut) as client:
        asked = {"input": {"message": "x"}}
        events = [event async for event in client.workflows.stream(workflow_id, asked)]
    assert cut.resumed_from, "the stream was never cut"
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "execution:completed"


async def test_an_answer_streams_and_can_be_followed_again(
    client: AsyncNuxaClient, member: Member, services: Services
) -> None:
    await write_base(services.store, member.workspace_id, "Lunch is served at noon.")
    events = [e async for e in client.copilot.stream({"message": "When is lunch served?"})]
    text = "".join(e["payload"]["delta"] for e in events if e["type"] == "text")
    again = [e async for e in client.copilot.follow(events[0]["messageId"])]
    assert again == events
    said = [message async for message in client.copilot.history(events[0]["chatId"])]
    assert said[-1].content == text
    assert said[-1].citations[0].quote in "Lunch is served at noon."


async def test_files_go_up_and_come_back(client: AsyncNuxaClient, tmp_path: Path) -> None:
    source, target = tmp_path / "notes.txt", tmp_path / "back.txt"
    source.write_text("a line of notes\n" * 50_000)
    file = await client.files.upload(source)
    assert (file.name, file.size) == ("notes.txt", source.stat().st_size)
    assert await client.files.download(file.id, to=target) == target
    assert target.read_bytes() == source.read_bytes()
    assert await client.files.content(file.id, start=2, end=6) == b"line"
    await client.files.delete(file.id)
    with pytest.raises(nuxa.NotFound) as told:
        await client.files.get(file.id)
    assert told.value.status == 404
    assert told.value.request_id


async def test_a_document_is_added_and_searched(client: AsyncNuxaClient, tmp_path: Path) -> None:
    base = await client.knowledge.create("b", language="en")
    paper = tmp_path / "paper.md"
    paper.write_text("# Slipways\n\nThe slipway is closed on Mondays.")
    document = await client.knowledge.upload(base.id, paper, {"kind": "rule"})
    assert (document.status, document.metadata) == ("pending", {"kind": "rule"})
    again = await client.knowledge.upload(base.id, paper)
    assert again.duplicate_of == document.id
    assert [row.id async for row in client.knowledge.documents(base.id)] == [document.id]
    assert (await client.knowledge.search(base.id, "slipway", topK=3)).results == []
    target = tmp_path / "back.md"
    assert await client.knowledge.download_document(base.id, document.id, to=target) == target
    assert target.read_bytes() == paper.read_bytes()


async def test_a_file_is_read_and_its_text_given_in_parts(
    client: AsyncNuxaClient, tmp_path: Path, work: Callable[[], Awaitable[int]]
) -> None:
    source = tmp_path / "notes.txt"
    source.write_text("The slipway is closed on Mondays.")
    file = await client.files.upload(source)
    assert (await client.files.process(file.id, {"ocr": "off"})).status == "pending"
    assert (await client.files.cancel_processing(file.id)).status == "cancelled"
    await client.files.process(file.id, {"ocr": "off", "force": True})
    assert await work() == 1
    assert (await client.files.status(file.id)).status == "completed"
    first = await client.files.text(file.id, limit=11)
    assert (first.text, first.next_offset) == ("The slipway", 11)
    rest = await client.files.text(file.id, offset=11)
    assert (rest.text, rest.next_offset) == (" is closed on Mondays.", None)


async def test_an_artifact_is_shown_until_it_is_revoked(client: AsyncNuxaClient) -> None:
    made = await client.artifacts.create({"type": "code", "title": "a", "content": "x = 1"})
    assert made.token
    assert await client.artifacts.show(made.token) == b"x = 1"
    assert [(row.id, row.token) async for row in client.artifacts.list()] == [(made.id, None)]
    await client.artifacts.revoke(made.id)
    with pytest.raises(nuxa.NotFound):
        await client.artifacts.show(made.token)


async def test_program_token_reads_members_and_changes_no_credentials(
    member: Member, stranger: Member
) -> None:
    url, workspace = str(member.program.base_url), member.workspace_id
    async with AsyncNuxaClient(token=await bearer_of_session(member), base_url=url) as client:
        listed = [row.id async for row in client.workspaces.members(workspace)]
        assert listed == [member.user_id]
        assert [e async for e in client.workspaces.audit(workspace, action="member.added")] == []
        usage = await client.workspaces.usage(workspace, **{"from": "2026-01-01T00:00:00Z"})
        assert (usage.files, usage.days) == (0, [])
        assert [row async for row in client.workspaces.model_providers(workspace)] == []
        assert [row async for row in client.workspaces.invitations(workspace)] == []
        for refused in (
            client.account.delete([]),
            client.account.create_totp(),
            client.workspaces.invite(workspace, "read"),
            client.workspaces.revoke_invitation(workspace, "inv_x"),
            client.workspaces.add_member(workspace, stranger.email, "read"),
            client.workspaces.change_role(workspace, member.user_id, "write"),
            client.workspaces.remove_member(workspace, member.user_id),
            client.workspaces.put_model_provider(workspace, "mistral", "mi-1"),
            client.workspaces.delete_model_provider(workspace, "mistral"),
            client.sessions.authorize("tool", "https://tool.example/back", "A" * 43, "s"),
        ):
            with pytest.raises(nuxa.Forbidden):
                await refused
        with pytest.raises(nuxa.Forbidden):
            [row async for row in client.sessions.list()]


async def test_passages_and_documents_are_changed(
    client: AsyncNuxaClient, member: Member, services: Services
) -> None:
    base = await write_base(services.store, member.workspace_id, "Lunch is served at noon.")
    (document,) = [row async for row in client.knowledge.documents(base)]
    changed = await client.knowledge.update_document(base, document.id, {"metadata": {"a": 1}})
    assert changed.metadata == {"a": 1}
    (chunk,) = [row async for row in client.knowledge.chunks(base, document.id)]
    new = await client.knowledge.update_chunk(
        base, document.id, chunk.id, {"content": "Lunch is served at one."}
    )
    assert (new.id, new.content) == (chunk.id, "Lunch is served at one.")
    added = await client.knowledge.add_chunk(base, document.id, "Tea is at four. Bring cups.")
    parts = (await client.knowledge.split_chunk(base, document.id, added.id, 15)).data
    assert [part.content for part in parts] == ["Tea is at four.", "Bring cups."]
    ids = [part.id for part in parts]
    merged = await client.knowledge.merge_chunks(base, document.id, ids)
    assert (merged.id, merged.origin, merged.start_offset) == (added.id, "added", None)
    found = await client.knowledge.search_bases([base], "when is tea", topK=1)
    assert [(row.id, row.knowledge_base_id) for row in found.results] == [(merged.id, base)]
    await client.knowledge.delete_chunk(base, document.id, merged.id)
    assert [row.id async for row in client.knowledge.chunks(base, document.id)] == [chunk.id]


async def test_errors_are_classes_by_code(client: AsyncNuxaClient, member: Member) -> None:
    with pytest.raises(nuxa.ValidationFailed) as told:
        await client.workflows.create({"nme": "x"})
    assert {issue["path"] for issue in told.value.details["issues"]} == {"name", "nme"}
    with pytest.raises(nuxa.Forbidden):
        await client.api_keys.create("from a key")
    async with AsyncNuxaClient("nuxa_wrong", base_url=str(member.program.base_url)) as wrong:
        with pytest.raises(nuxa.Unauthorized):
            await wrong.users.me()


def test_a_read_is_tried_again_no_sooner_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    answers = [_limited("7"), httpx.Response(503), _empty_page()]
    assert list(_scripted(answers).workflows.list()) == []
    assert answers == []
    assert waits[0] == 7
    assert 0 < waits[1] < 5


def test_a_write_is_tried_again_only_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    made = {"success": True, "output": 1, "durationMs": 1}
    answers = [httpx.Response(503), httpx.Response(200, json=made)]
    with pytest.raises(nuxa.NuxaError):
        _scripted(answers).tools.execute("t", {})
    assert len(answers) == 1
    answers.insert(0, httpx.Response(503))
    assert _scripted(answers).tools.execute("t", {}, idempotency_key="k").output == 1


def test_a_wait_that_is_too_long_is_told_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waited"))
    with pytest.raises(nuxa.RateLimited) as told:
        _scripted([_limited("900")]).users.me()
    assert told.value.retry_after == 900
    assert told.value.details == {"reason": "rate"}


def _scripted(answers: list[httpx.Response]) -> NuxaClient:
    transport = httpx.MockTransport(lambda _: answers.pop(0))
    return NuxaClient("k", base_url="http://nuxa.test", transport=transport)


def _limited(seconds: str) -> httpx.Response:
    error = {"code": "RATE_LIMITED", "message": "Wait.", "details": {"reason": "rate"}}
    return httpx.Response(429, json={"error": error}, headers={"Retry-After": seconds})


def _empty_page() -> httpx.Response:
    return httpx.Response(200, json={"data": [], "nextCursor": None})


class _Cut(httpx.AsyncBaseTransport):
    """A connection that breaks the first stream after some events."""

    def __init__(self, inner: httpx.AsyncBaseTransport, after: int) -> None:
        self._inner, self._after = inner, after
        self.resumed_from: str | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.resumed_from = request.headers.get("Last-Event-ID", self.resumed_from)
        response = await self._inner.handle_async_request(request)
        is_stream = response.headers["content-type"].startswith("text/event-stream")
        if is_stream and self.resumed_from is None:
            response.stream = _Broken(response.stream, self._after)
        return response


class _Broken(httpx.AsyncByteStream):
    def __init__(self, inner: Any, after: int) -> None:
        self._inner, self._after = inner, after

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for piece in self._inner:
            for event in piece.split(b"\n\n"):
                yield event + b"\n\n"
                seen += 1
                if seen == self._after:
                    raise httpx.ReadError("cut")

    async def aclose(self) -> None:
        await self._inner.aclose()
