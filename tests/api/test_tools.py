"""Tools over HTTP: the list, the three named paths, roles, refusals."""

from __future__ import annotations

import base64
import email
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from core.config import Settings
from tests.api.conftest import Member
from tests.stand_in import Says, StandIn, standing_in


@pytest.fixture
async def vendor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        for name in ("slack", "gmail", "openai"):
            monkeypatch.setattr(settings, f"{name}_base_url", stand_in.url)
        yield stand_in


async def _save(member: Member, name: str, value: str) -> None:
    path = f"/api/workspaces/{member.workspace_id}/secrets/{name}"
    answer = await member.browser.put(path, json={"value": value})
    assert answer.status_code == 204, answer.text


async def test_list_says_what_is_configured(member: Member) -> None:
    await _save(member, "SLACK_BOT_TOKEN", "xoxb-1-right")
    answer = await member.program.get("/api/tools")
    tools = {tool["name"]: tool for tool in answer.json()}
    assert tools["slack_message"]["configured"] is True
    assert tools["gmail_send"]["configured"] is False
    assert tools["gmail_send"]["requiresCredential"] is True
    assert tools["http_request"]["requiresCredential"] is False
    assert "threadTs" in tools["slack_message"]["parameters"]["properties"]
    assert tools["slack_message"].keys() == {
        "name",
        "description",
        "category",
        "parameters",
        "requiresCredential",
        "configured",
    }


async def test_slack_path_takes_bare_fields(member: Member, vendor: StandIn) -> None:
    await _save(member, "SLACK_BOT_TOKEN", "xoxb-1-right")
    vendor.answer = lambda asked: Says.json(
        {"ok": True, "ts": "1.2", "channel": "C1", "message": {"text": "hi"}}
    )
    answer = await member.program.post(
        "/api/tools/slack/message",
        json={"channel": "C1", "text": "hi", "threadTs": "1.1"},
        headers={"Idempotency-Key": "mine"},
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("durationMs") > 0
    assert body == {
        "success": True,
        "output": {"ts": "1.2", "channel": "C1", "message": {"text": "hi"}},
    }
    asked = vendor.asked[0]
    assert asked.json() == {"channel": "C1", "text": "hi", "thread_ts": "1.1"}
    assert asked.headers["authorization"] == "Bearer xoxb-1-right"
    assert asked.headers["idempotency-key"] == "mine"


async def test_gmail_path_takes_bare_fields(member: Member, vendor: StandIn) -> None:
    await _save(member, "GMAIL_ACCESS_TOKEN", "ya29.right")
    vendor.answer = lambda asked: Says.json({"id": "1", "threadId": "2", "labelIds": ["SENT"]})
    fields = {
        "to": "a@example.com",
        "cc": ["b@example.com"],
        "subject": "Hi",
        "body": "<b>x</b>",
        "contentType": "text/html",
        "attachments": [{"name": "a.txt", "content": "YQ==", "mimeType": "text/plain"}],
    }
    answer = await member.program.post("/api/tools/gmail/send", json=fields)
    assert answer.json()["output"]["messageId"] == "1"
    mail = email.message_from_bytes(base64.urlsafe_b64decode(vendor.asked[0].json()["raw"]))
    assert (mail["To"], mail["Cc"], mail["Subject"]) == ("a@example.com", "b@example.com", "Hi")


async def test_openai_path_takes_bare_fields(member: Member, vendor: StandIn) -> None:
    await _save(member, "OPENAI_API_KEY", "sk-right")
    vendor.answer = lambda asked: Says.json(
        {"model": "m-1", "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    )
    fields = {"model": "m", "prompt": "ok?", "temperature": 0.5, "maxTokens": 3}
    answer = await member.program.post("/api/tools/openai/complete", json=fields)
    assert answer.json()["output"]["content"] == "yes"


async def test_refusal_of_a_service_is_told_without_its_credential(
    member: Member, vendor: StandIn
) -> None:
    await _save(member, "SLACK_BOT_TOKEN", "xoxb-1-right")
    vendor.answer = lambda asked: Says.json(
        {"ok": False, "error": "bad xoxb-1-right"}, 429, Retry_After="9"
    )
    answer = await member.program.post(
        "/api/tools/slack_message", json={"params": {"channel": "C1", "text": "hi"}}
    )
    body = answer.json()
    assert (answer.status_code, body["success"], body["output"]) == (200, False, None)
    assert body["error"]["code"] == "UPSTREAM_ERROR"
    assert body["error"]["details"]["retryAfter"] == 9
    assert "xoxb-1-right" not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/tools/nothing", {"params": {}}, 404),
        ("/api/tools/slack_message", {"params": {"channel": "C1"}}, 400),
        ("/api/tools/slack_message", {"params": {"channel": "C1", "text": "a"}}, 409),
        ("/api/tools/slack_message", {"channel": "C1", "text": "a"}, 400),
        ("/api/tools/slack/message", {"channel": "C1"}, 400),
        ("/api/tools/slack/message", {"channel": "C1", "text": "a", "x": 1}, 400),
        ("/api/tools/http_request", {"params": {"url": "file:///etc/passwd"}}, 400),
        ("/api/tools/http_request", {"params": {"url": "http://169.254.169.254/"}}, 400),
        ("/api/tools/http_request", {"params": {"url": "http://localhost:{port}/"}}, 400),
    ],
)
async def test_faults_of_the_request_are_errors(
    path: str, body: dict[str, object], status: int, member: Member, vendor: StandIn
) -> None:
    text = json.dumps(body).replace("{port}", str(vendor.port))
    answer = await member.program.post(path, json=json.loads(text))
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert vendor.asked == []


async def test_reading_key_may_list_but_not_call(member: Member, api_url: str) -> None:
    made = await member.browser.post(
        "/api/auth/api-keys", json={"name": "reader", "scopes": ["read"]}
    )
    headers = {"x-api-key": made.json()["key"]}
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as reader:
        assert (await reader.get("/api/tools")).status_code == 200
        for path in ("slack_message", "slack/message", "gmail/send", "openai/complete"):
            answer = await reader.post(f"/api/tools/{path}", json={})
            assert (path, answer.status_code) == (path, 403)


async def test_stranger_does_not_use_our_credentials(
    member: Member, stranger: Member, vendor: StandIn
) -> None:
    await _save(member, "SLACK_BOT_TOKEN", "xoxb-1-right")
    fields = {"channel": "C1", "text": "a"}
    answer = await stranger.program.post("/api/tools/slack/message", json=fields)
    assert answer.status_code == 409
    fields["workspaceId"] = member.workspace_id
    answer = await stranger.program.post("/api/tools/slack/message", json=fields)
    assert answer.status_code == 404
    assert vendor.asked == []
