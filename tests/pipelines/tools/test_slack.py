"""slack_message against a server that answers as Slack's chat.postMessage does."""

from __future__ import annotations

import pytest

from core.config import Settings
from core.errors import UpstreamError, ValidationFailed
from pipelines.tools.base import CredentialMissing
from pipelines.tools.upstream import ServiceRefused
from tests.pipelines.tools.conftest import CallTool, Save
from tests.stand_in import Asked, Says, StandIn

TOKEN = "xoxb-1-right"


def slack(asked: Asked) -> Says:
    """Answer a request as Slack would: refusals are ``ok: false`` under status 200."""
    if (asked.method, asked.path) != ("POST", "/api/chat.postMessage"):
        return Says(404, body=b"not found")
    if asked.headers.get("content-type") != "application/json; charset=utf-8":
        return Says.json({"ok": False, "error": "invalid_post_type"})
    authorization = asked.headers.get("authorization")
    if authorization is None:
        return Says.json({"ok": False, "error": "not_authed"})
    if authorization != f"Bearer {TOKEN}":
        return Says.json({"ok": False, "error": "invalid_auth"})
    body = asked.json()
    if body["channel"] not in ("C123", "#general"):
        return Says.json({"ok": False, "error": "channel_not_found"})
    if not body.get("text") and not body.get("blocks"):
        return Says.json({"ok": False, "error": "no_text"})
    message = {**body, "type": "message", "bot_id": "B1", "ts": "1503435956.000247"}
    return Says.json({"ok": True, "channel": "C123", "ts": "1503435956.000247", "message": message})


@pytest.fixture(autouse=True)
async def slack_server(
    settings: Settings, server: StandIn, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = slack
    monkeypatch.setattr(settings, "slack_base_url", server.url + "/api")
    await save("SLACK_BOT_TOKEN", TOKEN)


async def test_message_is_posted(call_tool: CallTool, server: StandIn) -> None:
    output = await call_tool("slack_message", channel="C123", text="grüß dich")
    assert output["ts"] == "1503435956.000247"
    assert output["channel"] == "C123"
    assert server.asked[0].json() == {"channel": "C123", "text": "grüß dich"}


async def test_blocks_and_thread_are_sent_under_slacks_names(
    call_tool: CallTool, server: StandIn
) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}]
    await call_tool(
        "slack_message", _key="exec_1/b/0", channel="#general", blocks=blocks, threadTs="1.2"
    )
    asked = server.asked[0]
    assert asked.json()["blocks"] == blocks
    assert asked.json()["thread_ts"] == "1.2"
    assert asked.headers["idempotency-key"] == "exec_1/b/0"


@pytest.mark.parametrize(
    "params",
    [
        {"channel": "C123"},
        {"channel": "C123", "text": "", "blocks": []},
        {"channel": "", "text": "a"},
        {"text": "a"},
        {"channel": "C123", "text": "a", "unknown": 1},
        {"channel": "C123", "text": "a", "blocks": ["b"]},
    ],
)
async def test_bad_parameters_are_not_sent(
    params: dict[str, object], call_tool: CallTool, server: StandIn
) -> None:
    with pytest.raises(ValidationFailed) as caught:
        await call_tool("slack_message", **params)
    assert caught.value.details["issues"]
    assert server.asked == []


async def test_refusal_under_status_200_is_an_error(call_tool: CallTool) -> None:
    with pytest.raises(ServiceRefused, match="channel_not_found") as caught:
        await call_tool("slack_message", channel="nowhere", text="a")
    assert caught.value.details == {
        "service": "Slack",
        "status": 200,
        "reason": "channel_not_found",
    }


async def test_wrong_token_says_where_to_save_one(call_tool: CallTool, save: Save) -> None:
    await save("SLACK_BOT_TOKEN", "xoxb-2-wrong")
    with pytest.raises(ServiceRefused, match="workspace's secrets") as caught:
        await call_tool("slack_message", channel="C123", text="a")
    assert caught.value.details["reason"] == "invalid_auth"


async def test_missing_scope_is_named(call_tool: CallTool, server: StandIn) -> None:
    server.answer = lambda asked: Says.json(
        {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "users:read"}
    )
    with pytest.raises(ServiceRefused, match="missing_scope: chat:write"):
        await call_tool("slack_message", channel="C123", text="a")


async def test_rate_limit_says_how_long(call_tool: CallTool, server: StandIn) -> None:
    server.answer = lambda asked: Says.json(
        {"ok": False, "error": "ratelimited"}, 429, Retry_After="30"
    )
    with pytest.raises(ServiceRefused, match="in 30 s") as caught:
        await call_tool("slack_message", channel="C123", text="a")
    assert caught.value.details["retryAfter"] == 30
    assert len(server.asked) == 1  # a message is never sent twice


@pytest.mark.parametrize(
    "says",
    [
        Says(500, body=b"oops"),
        Says(200, body=b"<html>sign in</html>"),
        Says.json([]),
        Says.json({"channel": "C123"}),
        Says.json({"ok": True}),
        Says.moved("https://elsewhere.example/"),
        Says(raw=b"nonsense"),
    ],
)
async def test_broken_answers_are_upstream_errors(
    says: Says, call_tool: CallTool, server: StandIn
) -> None:
    server.answer = lambda asked: says
    with pytest.raises(UpstreamError):
        await call_tool("slack_message", channel="C123", text="a")


async def test_echoed_token_is_masked(call_tool: CallTool, server: StandIn) -> None:
    server.answer = lambda asked: Says.json({"ok": False, "error": f"odd {TOKEN}"})
    with pytest.raises(ServiceRefused) as caught:
        await call_tool("slack_message", channel="C123", text="a")
    assert TOKEN not in caught.value.message + str(caught.value) + str(caught.value.details)
    assert "{{SLACK_BOT_TOKEN}}" in caught.value.message


async def test_other_workspaces_secret_is_not_used(
    services,
    make_owner,
    server: StandIn,  # type: ignore[no-untyped-def]
) -> None:
    from pipelines import tools

    stranger = await make_owner()
    with pytest.raises(CredentialMissing, match="SLACK_BOT_TOKEN"):
        await tools.call(
            services, stranger.workspace_id, "slack_message", {"channel": "C123", "text": "a"}
        )
    assert server.asked == []
