"""Slack's Events API as a trigger, with requests signed as Slack signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from tests.api.conftest import Member
from tests.api.workflows.test_webhooks import Hook, hook

__all__ = ["hook"]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
EVENT: dict[str, Any] = {
    "token": "XXYYZZ",
    "team_id": "T123ABC456",
    "api_app_id": "A123ABC456",
    "event": {
        "type": "app_mention",
        "user": "U123ABC456",
        "text": "<@U0LAN0Z89> is it everything a river should be?",
        "ts": "1515449522.000016",
        "channel": "C123ABC456",
        "event_ts": "1515449522000016",
    },
    "type": "event_callback",
    "event_id": "Ev123ABC456",
    "event_time": 1515449522,
    "authorizations": [
        {
            "enterprise_id": None,
            "team_id": "T123ABC456",
            "user_id": "U0LAN0Z89",
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ],
    "is_ext_shared_channel": False,
}


def _sign(body: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Return the headers that Slack sends with a body."""
    moment = str(int(at or time.time()))
    mac = hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={mac.hexdigest()}",
    }


async def _send(
    client: httpx.AsyncClient, workflow_id: str, event: dict[str, Any], **headers: str
) -> httpx.Response:
    body = json.dumps(event).encode()
    path = f"/api/webhooks/{workflow_id}"
    return await client.post(path, content=body, headers={**_sign(body), **headers})


@pytest.fixture
async def workflow_id(hook: Hook, member: Member) -> str:
    """A deployed workflow that Slack's events start; the secret is one of the workspace."""
    path = f"/api/workspaces/{member.workspace_id}/secrets/SLACK_SIGNING_SECRET"
    assert (await member.browser.put(path, json={"value": SECRET})).status_code == 204
    return await hook(auth="slack", secretName="SLACK_SIGNING_SECRET")


async def _runs(member: Member) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await member.program.get("/api/logs")).json()["data"]
    return rows


async def test_slack_event_with_a_signature_starts_a_run_with_its_fields(
    workflow_id: str, anonymous: httpx.AsyncClient, member: Member
) -> None:
    answer = await _send(anonymous, workflow_id, EVENT)
    assert answer.status_code == 202, answer.text
    (run,) = await _runs(member)
    assert run["id"] == answer.json()["executionId"]
    given = run["input"]
    assert (given["event"], given["data"]) == ("app_mention", EVENT["event"])
    assert given["timestamp"] == "2018-01-08T22:12:02Z"
    assert given["body"]["team_id"] == "T123ABC456"


async def test_slack_event_sent_again_starts_no_second_run(
    workflow_id: str, anonymous: httpx.AsyncClient, member: Member
) -> None:
    first = await _send(anonymous, workflow_id, EVENT)
    retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    again = await _send(anonymous, workflow_id, EVENT, **retry)
    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await _runs(member)) == 1


async def test_slack_url_verification_returns_the_challenge_without_a_run(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="slack", secrets=[SECRET], deploy=False)
    asked = {"token": "Jhj5dZrV", "challenge": "3eZbrw1aBm2rZgRN", "type": "url_verification"}
    answer = await _send(anonymous, workflow_id, asked)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aBm2rZgRN"})
    assert await _runs(member) == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "user": "U0LAN0Z89", "text": "mine"},
        {"type": "message", "bot_id": "B1", "bot_profile": {"app_id": "A123ABC456"}},
        {"type": "message", "bot_id": "B1", "app_id": "A123ABC456"},
    ],
)
async def test_slack_event_of_the_app_itself_starts_no_run(
    workflow_id: str, anonymous: httpx.AsyncClient, member: Member, event: dict[str, Any]
) -> None:
    answer = await _send(anonymous, workflow_id, {**EVENT, "event": event})
    assert (answer.status_code, answer.json()) == (200, {"ignored": True})
    assert await _runs(member) == []


async def test_slack_event_with_a_signature_that_does_not_fit_is_unauthorized(
    workflow_id: str, anonymous: httpx.AsyncClient, member: Member
) -> None:
    body = json.dumps(EVENT).encode()
    good = _sign(body)
    unsigned = {name: value for name, value in good.items() if name != "X-Slack-Signature"}
    wrong = [
        unsigned,
        _sign(body + b" "),
        _sign(body, secret="another secret"),
        _sign(body, at=time.time() - 301),
        {**good, "X-Slack-Request-Timestamp": str(int(time.time()) - 1)},
        {**good, "X-Slack-Request-Timestamp": ""},
    ]
    for headers in wrong:
        answer = await anonymous.post(f"/api/webhooks/{workflow_id}", content=body, headers=headers)
        assert answer.status_code == 401, headers
    assert await _runs(member) == []


async def test_slack_webhook_whose_secret_was_deleted_is_unauthorized(
    workflow_id: str, anonymous: httpx.AsyncClient, member: Member
) -> None:
    path = f"/api/workspaces/{member.workspace_id}/secrets/SLACK_SIGNING_SECRET"
    assert (await member.browser.delete(path)).status_code == 204
    assert (await _send(anonymous, workflow_id, EVENT)).status_code == 401
