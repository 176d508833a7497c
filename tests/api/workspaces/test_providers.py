"""Keys of a workspace with model providers: sealed, never shown, used for its calls alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in


def _path(member: Member, name: str = "") -> str:
    path = f"/api/workspaces/{member.workspace_id}/model-providers"
    return f"{path}/{name}" if name else path


@pytest.fixture
async def model(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenAIStandIn]:
    """A model that refuses the operator's key."""
    async with openai_stand_in() as stand_in:
        monkeypatch.setattr(settings, "chat_model", "openai/stand-in")
        monkeypatch.setattr(settings, "chat_base_url", stand_in.base_url)
        monkeypatch.setattr(settings, "chat_api_key", SecretStr("sk-of-the-operator"))
        monkeypatch.setattr("core.models.chat.get_settings", lambda: settings)
        yield stand_in


async def test_a_key_is_kept_sealed_and_never_shown(member: Member, services: Services) -> None:
    saved = await member.browser.put(_path(member, "openai"), json={"apiKey": f" {KEY} "})
    assert saved.status_code == 200
    assert saved.json().keys() == {"name", "createdAt", "updatedAt"}
    again = await member.browser.put(_path(member, "openai"), json={"apiKey": KEY})
    assert again.json()["createdAt"] == saved.json()["createdAt"]
    listed = await member.program.get(_path(member))
    assert [row["name"] for row in listed.json()["data"]] == ["openai"]
    audit = await member.browser.get(f"/api/workspaces/{member.workspace_id}/audit")
    assert "model_provider.saved" in audit.text
    assert KEY not in listed.text + audit.text
    async with services.store.unit(member.workspace_id) as unit:
        sealed = await unit.model_providers.sealed_key("openai")
    assert sealed is not None
    assert KEY not in sealed
    assert services.sealer.open(sealed) == KEY
    for status in (204, 404):
        assert (await member.browser.delete(_path(member, "openai"))).status_code == status


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("ollama", {"apiKey": "k"}, 400),
        ("http:", {"apiKey": "k"}, 400),
        ("openai", {"apiKey": ""}, 400),
        ("openai", {"apiKey": "two words"}, 400),
        ("openai", {"apiKey": "k", "baseUrl": "http://127.0.0.1"}, 400),
    ],
)
async def test_what_is_no_key_of_a_known_provider_is_refused(
    member: Member, name: str, body: dict, status: int
) -> None:
    assert (await member.browser.put(_path(member, name), json=body)).status_code == status
    assert (await member.browser.get(_path(member))).json()["data"] == []


async def test_only_admins_bring_keys(member: Member) -> None:
    body = {"apiKey": KEY}
    assert (await member.program.put(_path(member, "openai"), json=body)).status_code == 403
    assert (await member.program.delete(_path(member, "openai"))).status_code == 403


async def test_the_copilot_asks_with_the_workspaces_key(
    member: Member, stranger: Member, model: OpenAIStandIn
) -> None:
    ask = {"message": "Hi"}
    assert (await member.program.post("/api/copilot/chat", json=ask)).status_code == 502
    await member.browser.put(_path(member, "openai"), json={"apiKey": KEY})
    model.replies = [Reply("Hello there."), Reply("From another.")]
    answer = await member.program.post("/api/copilot/chat", json=ask)
    assert (answer.status_code, answer.json()["content"]) == (200, "Hello there.")
    other = await member.program.post(
        "/api/copilot/chat", json={**ask, "model": "openai/gpt-4o-mini"}
    )
    assert other.json()["model"].endswith("gpt-4o-mini")
    for unknown in ("anthropic/claude", "openai/http://127.0.0.1"):
        refused = await member.program.post("/api/copilot/chat", json={**ask, "model": unknown})
        assert (unknown, refused.status_code) == (unknown, 400)
    theirs = {**ask, "model": "openai/gpt-4o-mini"}
    assert (await stranger.program.post("/api/copilot/chat", json=theirs)).status_code == 400
    assert (await stranger.program.post("/api/copilot/chat", json=ask)).status_code == 502


async def test_an_agent_asks_with_the_workspaces_key(member: Member, model: OpenAIStandIn) -> None:
    raw = definition([block("a", "agent", prompt="Hi")], "s>a")
    made = await member.program.post("/api/workflows", json={"name": "W", **raw})
    path = f"/api/workflows/{made.json()['id']}"
    await member.program.post(f"{path}/deploy")
    failed = (await member.program.post(f"{path}/execute", json={})).json()
    assert failed["error"]["code"] == "UPSTREAM_ERROR"
    await member.browser.put(_path(member, "openai"), json={"apiKey": KEY})
    model.replies = [Reply("Hello there.")]
    answered = await member.program.post(f"{path}/execute", json={})
    assert answered.json()["output"]["content"] == "Hello there."
    logs = await member.program.get(f"/api/logs/{answered.json()['executionId']}/blocks")
    assert KEY not in logs.text


async def test_the_models_of_its_providers_are_on_offer_in_this_workspace_alone(
    member: Member, stranger: Member
) -> None:
    path = f"/api/workspaces/{member.workspace_id}/model-providers/mistral"
    assert (await member.browser.put(path, json={"apiKey": "mi-1"})).status_code == 200
    models = (await member.program.get("/api/copilot/models")).json()["data"]
    assert models[0]["id"] == "nuxa/extractive"
    own = [model for model in models if model["provider"] == "mistral"]
    assert "mistral/mistral-large-latest" in [model["id"] for model in own]
    assert len(own) == len(models) - 1 and not any(model["isDefault"] for model in own)
    listed = (await member.program.get("/api/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == [model["id"] for model in models]
    theirs = (await stranger.program.get("/api/copilot/models")).json()["data"]
    assert [model["id"] for model in theirs] == ["nuxa/extractive"]
