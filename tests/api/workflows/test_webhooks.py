"""Webhooks from outside: who is let in, what the run is given, what the sender is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from core.config import Settings
from core.services import Services
from core.webhook_signing import sign
from pipelines.execute import claim, execute
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

SECRET = "a secret of theirs"
ECHO = definition([block("t", template="<start.event> <start.data>")], "s>t")
PING = {"event": "ping", "data": {"n": 1}, "timestamp": "2024-12-01T00:00:00Z"}
Hook = Callable[..., Awaitable[str]]


@pytest.fixture
def hook(member: Member) -> Hook:
    """Makes a deployed workflow with a webhook and gives its id: ``await hook(auth="none")``."""

    async def make(raw: dict[str, Any] = ECHO, *, deploy: bool = True, **given: Any) -> str:
        made = await member.browser.post("/api/workflows", json={"name": "W", **raw})
        workflow_id: str = made.json()["id"]
        if deploy:
            await member.browser.post(f"/api/workflows/{workflow_id}/deploy")
        if given:
            put = await member.browser.put(f"/api/workflows/{workflow_id}/webhook", json=given)
            assert put.status_code == 200, put.text
        return workflow_id

    return make


def signed(body: bytes, message_id: str = "msg_1", at: float | None = None) -> dict[str, str]:
    headers = sign(body, [SECRET], message_id, int(at or time.time()))
    return {"content-type": "application/json", **headers}


async def test_it_answers_as_the_reference_says(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="none")
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", json=PING)
    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "success": True,
        "executionId": answer.headers["X-Execution-Id"],
        "result": {"text": 'ping {"n": 1}'},
    }
    record = (await member.program.get(f"/api/v1/executions/{body['executionId']}")).json()
    assert (record["trigger"], record["version"], record["status"]) == ("webhook", 1, "completed")
    assert record["input"]["body"] == PING
    assert record["input"]["timestamp"] == PING["timestamp"]


async def test_a_get_says_it_in_its_query(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="none")
    path = f"/api/webhooks/{workflow_id}?event=seen&n=1&n=2"
    answer = await anonymous.get(path, headers={"Cookie": "a=b", "X-Api-Key": "nuxa_x", "X-Y": "z"})
    assert answer.json()["result"] == {"text": 'seen {"event": "seen", "n": ["1", "2"]}'}
    execution_id = answer.json()["executionId"]
    given = (await member.program.get(f"/api/v1/executions/{execution_id}")).json()["input"]
    assert (given["method"], given["query"]["n"]) == ("GET", ["1", "2"])
    assert given["headers"]["x-y"] == "z"
    assert not given["headers"].keys() & {"cookie", "x-api-key", "authorization"}


async def test_head_starts_no_run(hook: Hook, anonymous: httpx.AsyncClient, member: Member) -> None:
    workflow_id = await hook(auth="none")
    answer = await anonymous.head(f"/api/webhooks/{workflow_id}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert (await member.program.get("/api/logs")).json()["data"] == []


@pytest.mark.parametrize(
    ("content", "kind", "data"),
    [
        (b"a=1&a=2&b=x", "application/x-www-form-urlencoded", {"a": ["1", "2"], "b": "x"}),
        ("grüße".encode(), "text/plain; charset=utf-8", "grüße"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"[1, 2]", "application/json", [1, 2]),
        (b'{"a": "\\u0000"}', "application/vnd.x+json", {"a": "\ufffd"}),
        (b"", "application/json", None),
    ],
)
async def test_bodies_of_every_kind_are_taken(
    hook: Hook,
    anonymous: httpx.AsyncClient,
    member: Member,
    content: bytes,
    kind: str,
    data: object,
) -> None:
    workflow_id = await hook(auth="none")
    answer = await anonymous.post(
        f"/api/webhooks/{workflow_id}",
        content=content,
        headers={"content-type": kind, "X-GitHub-Event": "push"},
    )
    assert answer.status_code == 200, answer.text
    record = await member.program.get(f"/api/v1/executions/{answer.json()['executionId']}")
    assert record.json()["input"]["data"] == data
    assert record.json()["input"]["event"] == "push"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"a": 1', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"\xff\xfe\x00", "application/octet-stream", 415),
        (b"x" * 3000, "text/plain", 413),
    ],
)
async def test_what_cannot_be_read_is_refused(
    hook: Hook,
    anonymous: httpx.AsyncClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    kind: str,
    status: int,
) -> None:
    workflow_id = await hook(auth="none")
    monkeypatch.setattr(settings, "webhook_max_bytes", 2048 if status == 413 else 10_000)
    headers = {"content-type": kind}
    path = f"/api/webhooks/{workflow_id}"
    assert (await anonymous.post(path, content=content, headers=headers)).status_code == status


async def test_a_workflow_that_was_never_deployed_is_a_conflict(
    hook: Hook, anonymous: httpx.AsyncClient
) -> None:
    workflow_id = await hook(auth="none", deploy=False)
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", json=PING)
    assert answer.status_code == 409
    assert "deploy" in answer.json()["error"]["message"]
    assert (await anonymous.post("/api/webhooks/wf_none", json=PING)).status_code == 404


async def test_only_what_is_deployed_runs_and_nothing_of_it_comes_from_the_sender(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="none")
    draft = definition([block("t", template="draft")], "s>t")
    await member.browser.patch(f"/api/workflows/{workflow_id}", json=draft)
    sent = {**PING, "useDraft": True, "definition": draft, "blocks": draft["blocks"]}
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}?useDraft=true", json=sent)
    assert answer.json()["result"] == {"text": 'ping {"n": 1}'}


async def test_a_webhook_that_is_not_set_up_takes_a_members_credentials_alone(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, stranger: Member
) -> None:
    path = f"/api/webhooks/{await hook()}"
    assert (await anonymous.post(path, json=PING)).status_code == 401
    assert (await stranger.program.post(path, json=PING)).status_code == 404
    assert (await member.browser.get(path)).status_code == 401  # a link is no request of hers
    for client in (member.program, member.browser):
        assert (await client.post(path, json=PING)).status_code == 200
    narrow = {"name": "n", "scopes": ["read"]}
    key = (await member.browser.post("/api/auth/api-keys", json=narrow)).json()["key"]
    answer = await anonymous.post(path, json=PING, headers={"x-api-key": key})
    assert answer.status_code == 403


@pytest.mark.parametrize("auth", ["bearer", "hmac"])
async def test_without_a_secret_it_is_shut(
    hook: Hook, anonymous: httpx.AsyncClient, auth: str
) -> None:
    body = json.dumps(PING).encode()
    path = f"/api/webhooks/{await hook(auth=auth)}"
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer None"},
        {**sign(body, [""], "m", int(time.time()))},
    ):
        assert (await anonymous.post(path, content=body, headers=headers)).status_code == 401
    cleared = f"/api/webhooks/{await hook(auth=auth, secrets=[])}"
    assert (await anonymous.post(cleared, content=body, headers=signed(body))).status_code == 401


async def test_a_bearer_token(hook: Hook, anonymous: httpx.AsyncClient) -> None:
    path = f"/api/webhooks/{await hook(auth='bearer', secrets=['t' * 16, 'u' * 16])}"
    for token, status in (("t" * 16, 200), ("u" * 16, 200), ("t" * 15, 401), ("é" * 16, 401)):
        headers = {b"Authorization": f"Bearer {token}".encode()}
        answer = await anonymous.post(path, json=PING, headers=headers)
        assert answer.status_code == status, token


async def test_a_signed_body(hook: Hook, anonymous: httpx.AsyncClient, member: Member) -> None:
    body = json.dumps(PING).encode()
    workflow_id = await hook(auth="hmac", secrets=[SECRET.replace(" ", "_"), "x" * 16])
    await member.browser.put(
        f"/api/workflows/{workflow_id}/webhook",
        json={"auth": "hmac", "secrets": ["a-secret-of-theirs"]},
    )
    path = f"/api/webhooks/{workflow_id}"
    good = sign(body, ["a-secret-of-theirs"], "msg_1", int(time.time()))
    old = sign(body, ["a-secret-of-theirs"], "msg_2", int(time.time()) - 301)
    kind = {"content-type": "application/json"}
    for headers, content, status in (
        ({}, body, 401),
        (good, body.replace(b"1", b"2"), 401),
        (old, body, 401),
        (sign(body, ["x" * 16], "msg_3", int(time.time())), body, 401),
        (good, body, 200),
    ):
        answer = await anonymous.post(path, content=content, headers={**kind, **headers})
        assert answer.status_code == status
    assert (await anonymous.get(path, headers=good)).status_code == 401


async def test_a_replay_within_the_window_runs_nothing_whatever_unsigned_id_it_carries(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    body, secret = json.dumps(PING).encode(), "a-secret-of-theirs"
    path = f"/api/webhooks/{await hook(auth='hmac', secrets=[secret])}"
    made = sign(body, [secret], "msg_1", int(time.time()))
    svix = {
        name.replace("webhook", "svix"): value
        for name, value in made.items()
        if name.startswith("webhook")
    }
    kind = {"content-type": "application/json"}
    first = await anonymous.post(path, content=body, headers={**kind, **svix})
    for extra in ({"webhook-id": "other"}, {"Idempotency-Key": "other"}):
        again = await anonymous.post(path, content=body, headers={**kind, **svix, **extra})
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await member.program.get("/api/logs")).json()["data"]) == 1


@pytest.mark.parametrize(
    "header", ["webhook-id", "X-GitHub-Delivery", "Idempotency-Key", "svix-id"]
)
async def test_of_one_delivery_sent_many_times_at_once_one_run_comes(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, header: str
) -> None:
    path = f"/api/webhooks/{await hook(auth='none')}"
    sends = [anonymous.post(path, json=PING, headers={header: "d-1"}) for _ in range(8)]
    answers = await asyncio.gather(*sends)
    assert sorted(answer.status_code for answer in answers) == [200, *[202] * 7]
    assert len({answer.json()["executionId"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 7
    other = await anonymous.post(path, json=PING, headers={header: "d-2"})
    assert other.json()["executionId"] != answers[0].json()["executionId"]
    assert len((await member.program.get("/api/logs")).json()["data"]) == 2


async def test_equal_bodies_without_an_id_are_two_events(
    hook: Hook, anonymous: httpx.AsyncClient
) -> None:
    path = f"/api/webhooks/{await hook(auth='none')}"
    first, second = [(await anonymous.post(path, json=PING)).json() for _ in range(2)]
    assert first["executionId"] != second["executionId"]


async def test_one_delivery_id_at_two_workflows_is_two_events(
    hook: Hook, anonymous: httpx.AsyncClient
) -> None:
    headers = {"webhook-id": "same"}
    paths = [f"/api/webhooks/{await hook(auth='none')}" for _ in range(2)]
    answers = [await anonymous.post(path, json=PING, headers=headers) for path in paths]
    assert len({answer.json()["executionId"] for answer in answers}) == 2


async def test_what_was_refused_may_be_sent_again(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="none", deploy=False)
    headers = {"webhook-id": "d-1"}
    path = f"/api/webhooks/{workflow_id}"
    assert (await anonymous.post(path, json=PING, headers=headers)).status_code == 409
    await member.browser.post(f"/api/workflows/{workflow_id}/deploy")
    assert (await anonymous.post(path, json=PING, headers=headers)).status_code == 200


async def test_async_leaves_the_run_to_a_worker(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, services: Services
) -> None:
    path = f"/api/webhooks/{await hook(auth='none', mode='async')}"
    answer = await anonymous.post(path, json=PING)
    assert answer.status_code == 202
    assert answer.json() == {"success": True, "executionId": answer.headers["X-Execution-Id"]}
    taken = await claim(services, "w")
    assert taken is not None and taken.id == answer.json()["executionId"]
    ended = await execute(services, taken, "w")
    assert ended is not None and ended.status == "completed"


async def test_a_failed_run_and_a_response_block(hook: Hook, anonymous: httpx.AsyncClient) -> None:
    failing = definition([block("t", template="{{NOPE}}")], "s>t")
    answer = await anonymous.post(f"/api/webhooks/{await hook(failing, auth='none')}", json=PING)
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["error"]["blockName"] == "t"
    saying = definition([block("r", "response", status=201, data='{"e": "<start.event>"}')], "s>r")
    answer = await anonymous.post(f"/api/webhooks/{await hook(saying, auth='none')}", json=PING)
    assert (answer.status_code, answer.json()) == (201, {"e": "ping"})


async def test_only_listed_addresses(hook: Hook, anonymous: httpx.AsyncClient) -> None:
    for listed, status in (
        (["127.0.0.0/8"], 200),
        (["::1", "127.0.0.1"], 200),
        (["192.0.2.0/24"], 403),
    ):
        path = f"/api/webhooks/{await hook(auth='none', allowedAddresses=listed)}"
        assert (await anonymous.post(path, json=PING)).status_code == status
        # No proxy is trusted unless a setting names it: a caller does not choose its address.
        claimed = {"X-Forwarded-For": "192.0.2.1"}
        assert (await anonymous.post(path, json=PING, headers=claimed)).status_code == status


async def test_it_counts_as_the_workspaces_and_takes_a_slot(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, services: Services
) -> None:
    slow = definition([block("w", "wait", seconds=60)], "s>w")
    workflow_id = await hook(slow, auth="none", mode="async")
    async with services.store.system() as system:
        workspace = await system.workspaces.load(member.workspace_id)
        workspace.limits = {"requestsPerMinute": 3, "concurrentExecutions": 1}
    path = f"/api/webhooks/{workflow_id}"
    first = await anonymous.post(path, json=PING)
    assert (first.status_code, first.headers["X-RateLimit-Limit"]) == (202, "3")
    second = await anonymous.post(path, json=PING)
    assert second.status_code == 429
    assert second.json()["error"]["details"]["reason"] == "concurrency"
    reasons: list[str] = []
    while "rate" not in reasons and len(reasons) < 8:  # a new minute may begin meanwhile
        third = await anonymous.post(path, json=PING)
        reasons.append(third.json()["error"]["details"]["reason"])
    assert reasons[-1] == "rate"
    limits = [third.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining")]
    assert limits == ["3", "0"]
    assert int(third.headers["Retry-After"]) >= 1


async def test_a_run_that_pauses_says_how_it_goes_on(
    hook: Hook, anonymous: httpx.AsyncClient
) -> None:
    asking = definition([block("ask", "humanInTheLoop", message="May it?")], "s>ask")
    answer = await anonymous.post(f"/api/webhooks/{await hook(asking, auth='none')}", json=PING)
    assert answer.status_code == 202
    assert answer.json()["status"] == "paused"
    assert answer.json()["executionId"] == answer.headers["X-Execution-Id"]
    assert answer.json()["resumeUrl"]
