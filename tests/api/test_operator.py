"""The operator's commands, as a separate process would run them."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import Result
from cryptography.fernet import Fernet
from pydantic import SecretStr
from typer.testing import CliRunner

from api.__main__ import cli
from core.errors import NotFound
from core.security import Sealer
from core.services import Services, seal_keys
from tests.api.conftest import Member


@pytest.fixture
def command(settings, monkeypatch):  # type: ignore[no-untyped-def]
    """Runs a command on the test's servers, with an event loop of its own."""
    monkeypatch.setattr("api.operator.get_settings", lambda: settings)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, ["workspace", *words])

    return run


async def test_plan_and_limits_take_effect_with_the_next_request(
    member: Member, command, services: Services
) -> None:  # type: ignore[no-untyped-def]
    shown = await command("show", member.workspace_id)
    assert (shown.exit_code, shown.output.count("no limit")) == (0, 2)
    numbers = ["--requests-per-minute", "77", "--concurrent", "3"]
    done = await command("set-limits", member.workspace_id, *numbers)
    assert done.exit_code == 0, done.output
    assert "77" in done.output
    answer = await member.program.get("/api/user")
    assert answer.headers["X-RateLimit-Limit"] == "77"
    assert (
        await command("set-limits", member.workspace_id, "--requests-per-minute", "-1")
    ).exit_code == 0
    assert (await member.program.get("/api/user")).headers["X-RateLimit-Limit"] == "-1"
    async with services.store.system() as system:
        allowed = (await system.workspaces.load(member.workspace_id)).allowed
    assert allowed.concurrent_executions == 3
    assert (await command("set-plan", member.workspace_id, "free")).exit_code == 0
    assert (await member.program.get("/api/user")).headers["X-RateLimit-Limit"] == "60"
    events = await member.browser.get(f"/api/workspaces/{member.workspace_id}/audit")
    newest = [(row["action"], row["actorWay"]) for row in events.json()["data"][:3]]
    assert newest[0] == ("plan.changed", "operator")
    assert newest[1:] == [("limits.changed", "operator")] * 2


@pytest.mark.parametrize(
    "words",
    [[], ["--concurrent", "0"], ["--concurrent", "-2"], ["--requests-per-minute", "many"]],
)
async def test_bad_numbers_change_nothing(member: Member, command, words) -> None:  # type: ignore[no-untyped-def]
    refused = await command("set-limits", member.workspace_id, *words)
    assert refused.exit_code == 2
    assert (await member.program.get("/api/user")).headers["X-RateLimit-Limit"] == "-1"


async def test_other_plans_keep_their_limits(member: Member, command) -> None:  # type: ignore[no-untyped-def]
    await command("set-plan", member.workspace_id, "pro")
    refused = await command("set-limits", member.workspace_id, "--concurrent", "9")
    assert "set-plan" in str(refused.exception)
    assert (await member.program.get("/api/user")).headers["X-RateLimit-Limit"] == "300"
    assert (await command("set-plan", member.workspace_id, "gold")).exit_code == 2


async def test_a_workspace_that_is_not_there(member: Member, command) -> None:  # type: ignore[no-untyped-def]
    assert isinstance((await command("show", "ws_none")).exception, NotFound)


async def test_secrets_are_sealed_anew_by_a_command(
    member: Member, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/workspaces/{member.workspace_id}/secrets/TOKEN"
    await member.browser.put(path, json={"value": "v"})
    new, old = Fernet.generate_key().decode(), seal_keys(services.settings)[0]
    keyed = services.settings.model_copy(update={"secret_key": SecretStr(f"{new},{old}")})
    monkeypatch.setattr("api.__main__.get_settings", lambda: keyed)
    for output in ("1 sealed anew, 0 were", "0 sealed anew, 1 were"):
        done = await asyncio.to_thread(CliRunner().invoke, cli, ["rotate-secrets"])
        assert (done.exit_code, output in done.output) == (0, True), done.output
    async with services.store.unit(member.workspace_id) as unit:
        assert Sealer([new]).open((await unit.secrets.all_sealed())["TOKEN"]) == "v"
    monkeypatch.setattr("api.__main__.get_settings", lambda: services.settings)
    lost = await asyncio.to_thread(CliRunner().invoke, cli, ["rotate-secrets"])
    assert (lost.exit_code, "1 cannot be opened" in lost.output) == (1, True)
