"""Voice settings: merged, checked, their secrets sealed and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.bases import write_base

PATH = "/api/voice/config"


async def test_before_anybody_set_anything_the_defaults_hold(member: Member) -> None:
    shown = (await member.program.get(PATH)).json()
    assert (shown["provider"], shown["language"], shown["maxDurationSeconds"]) == (
        "local",
        "en",
        900,
    )
    assert shown["turnDetection"] == {"type": "vad", "threshold": 0.5, "silenceDurationMs": 500}
    assert shown["twilio"]["hasAuthToken"] is False
    assert shown["twilio"]["webhookUrl"].endswith(
        f"/api/voice/webhook/twilio?workspaceId={member.workspace_id}"
    )


async def test_what_is_absent_stays_and_null_clears(member: Member, services: Services) -> None:
    base = await write_base(services.store, member.workspace_id, "Closed on Mondays.")
    first = {"language": "en-GB", "greeting": "Hello", "knowledgeBaseIds": [base]}
    assert (await member.browser.post(PATH, json=first)).status_code == 200
    second = {"greeting": None, "turnDetection": {"type": "none"}}
    shown = (await member.browser.post(PATH, json=second)).json()
    assert (shown["language"], shown["greeting"]) == ("en-GB", None)
    assert shown["knowledgeBaseIds"] == [base]
    assert shown["turnDetection"] == {"type": "none", "threshold": 0.5, "silenceDurationMs": 500}
    assert (await member.browser.get(PATH)).json() == shown


async def test_secrets_are_sealed_and_never_shown(member: Member, services: Services) -> None:
    secrets = {
        "twilio": {"accountSid": "AC1", "authToken": "tw-hidden-token"},
        "daily": {"webhookSecret": "aGlkZGVuLW9mLWRhaWx5"},
    }
    answer = await member.browser.post(PATH, json=secrets)
    shown = answer.json()
    assert shown["twilio"]["accountSid"] == "AC1"
    assert (shown["twilio"]["hasAuthToken"], shown["daily"]["hasWebhookSecret"]) == (True, True)
    assert "hidden" not in answer.text
    assert "aGlkZ" not in answer.text
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.voice_configs.get()
    assert row is not None
    assert row.sealed_twilio_auth_token is not None
    assert services.sealer.open(row.sealed_twilio_auth_token) == "tw-hidden-token"


async def test_parts_of_another_service_change_one_by_one(member: Member) -> None:
    secrets = {
        "twilio": {"accountSid": "AC1", "authToken": "t"},
        "daily": {"webhookSecret": "YQ=="},
    }
    await member.browser.post(PATH, json=secrets)
    changed = (await member.browser.post(PATH, json={"twilio": {"accountSid": "AC2"}})).json()
    assert (changed["twilio"]["accountSid"], changed["twilio"]["hasAuthToken"]) == ("AC2", True)
    gone = (await member.browser.post(PATH, json={"twilio": None})).json()
    assert (gone["twilio"]["accountSid"], gone["twilio"]["hasAuthToken"]) == (None, False)
    assert gone["twilio"]["webhookUrl"]
    assert gone["daily"]["hasWebhookSecret"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"provider": "elsewhere"},
        {"provider": "openai"},  # the workspace has no key of it
        {"model": "openai/gpt-4o"},
        {"language": "../x"},
        {"language": "de"},  # which the local voice does not speak
        {"voiceId": "nova"},
        {"maxDurationSeconds": 5},
        {"turnDetection": {"threshold": 2}},
        {"daily": {"webhookSecret": "not base64!"}},
        {"twilio": {"authToken": ""}},
        {"more": 1},
    ],
)
async def test_what_does_not_fit_is_refused(body: dict[str, Any], member: Member) -> None:
    answer = await member.browser.post(PATH, json=body)
    assert answer.status_code == 400
    assert (await member.browser.get(PATH)).json()["updatedAt"] is None


async def test_a_provider_takes_the_workspaces_own_key(member: Member) -> None:
    path = f"/api/workspaces/{member.workspace_id}/model-providers/openai"
    await member.browser.put(path, json={"apiKey": "sk-1"})
    answer = await member.browser.post(PATH, json={"provider": "openai"})
    assert answer.json()["provider"] == "openai"


async def test_only_an_admin_changes_them(member: Member, stranger: Member) -> None:
    await join_workspace(member, stranger, "write")
    there = {"workspaceId": member.workspace_id}
    assert (await stranger.browser.get(PATH, params=there)).status_code == 200
    refused = await stranger.browser.post(PATH, json={"language": "fr"}, params=there)
    assert refused.status_code == 403
