"""Studio with a model of 1.5 billion parameters on this machine, where its weights were got: make
local-model. Its words are the likeliest ones, so that it says the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.config import Settings
from core.embedded.servers import EmbeddedServers
from core.models.local.weights import NoWeights, weights_of
from core.services import Services
from tests.api.conftest import Member
from tests.api.copilot.asking import Told, decide, results, talk, use_server
from tests.api.copilot.test_studio import SENTENCE, SLIPWAY, by_webhook, slack, taken_back
from tests.bases import write_base
from tests.stand_in import StandIn

__all__ = ["slack"]
MODEL = "local/qwen2.5-coder-1.5b"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def local_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[None]:
    try:
        weights_of(MODEL, settings)
    except NoWeights as missing:
        pytest.skip(missing.message)
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: make local-model")
    with EmbeddedServers(tmp_path, postgres=False, valkey=False, chat_model=MODEL) as servers:
        url, key = (servers.addresses[f"NUXA_CHAT_{name}"] for name in ("BASE_URL", "API_KEY"))
        use_server(monkeypatch, settings, MODEL, url, key)
        monkeypatch.setattr(settings, "chat_timeout_seconds", 900)
        yield


@pytest.mark.usefixtures("local_model")
async def test_a_sentence_becomes_a_workflow_that_runs_and_can_be_taken_back(
    member: Member, services: Services, slack: StandIn
) -> None:
    base_id = await write_base(services.store, member.workspace_id, SLIPWAY)
    secret = f"/api/workspaces/{member.workspace_id}/secrets/SLACK_BOT_TOKEN"
    assert (await member.browser.put(secret, json={"value": "xoxb-1234567"})).status_code == 204
    made = await member.program.post("/api/workflows", json={"name": "w"})
    path = f"/api/workflows/{made.json()['id']}"
    former = (await member.browser.get(path)).json()

    async def allow(event: Told) -> None:
        assert (await decide(member.browser, event, "allow")).status_code == 200

    body = {
        "message": SENTENCE,
        "mode": "workflow-studio",
        "workflowId": made.json()["id"],
        "knowledgeBaseIds": [base_id],
    }
    told = await talk(member.browser, body, allow)
    assert told[-1]["payload"]["status"] == "completed", told
    (built,) = results(told)
    assert (built["name"], built["output"]["valid"]) == ("build_workflow", True)
    blocks = (await member.browser.get(path)).json()["blocks"].values()
    by_type = {block["type"]: block["subBlocks"] for block in blocks}
    assert by_type.keys() == {"agent", "start", "tool"}
    assert by_type["agent"]["knowledgeBaseIds"]["value"] == [base_id]

    await by_webhook(member, path, made.json()["id"])
    (posted,) = slack.asked
    assert "Monday" in posted.json()["text"]
    assert "[1]" in posted.json()["text"]
    await taken_back(member, path, former)
