"""The six prompts of the modes, without any model, through the real endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.config import OFFLINE_CHAT_MODEL, RULES_MODEL
from core.ids import new_id
from core.services import Services
from core.store.base import now
from core.store.block_logs import BlockLog
from core.store.executions import Execution
from core.store.unit import Unit
from tests.api.conftest import Member
from tests.bases import write_base
from tests.pipelines.shapes import block, definition


async def _ask(member: Member, message: str, **more: Any) -> dict[str, Any]:
    answer = await member.program.post("/api/copilot/chat", json={"message": message, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def _workflow(member: Member, name: str, **parts: Any) -> str:
    made = await member.program.post("/api/workflows", json={"name": name, **parts})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
async def posting(member: Member) -> str:
    """A workflow that posts to Slack, among others that do not."""
    await _workflow(member, "Nothing to it", **definition([block("t")], "s>t"))
    post = block("Tell", "tool", toolName="slack_message", params={"channel": "c", "text": "t"})
    ask = block("Fetch", "api", url="https://example.com")
    return await _workflow(
        member, "Daily [1] news", **definition([post, ask], "s>Fetch Fetch>Tell")
    )


@pytest.fixture
async def runs(member: Member, services: Services, posting: str) -> str:
    """Runs of that workflow: three good ones, two whose API call failed, an old one."""
    async with services.store.unit(member.workspace_id) as unit:
        for number, status in enumerate(["completed"] * 3 + ["failed"] * 2):
            await _run(unit, posting, status, now() - timedelta(days=number))
        await _run(unit, posting, "failed", now() - timedelta(days=40))
    return posting


async def _run(unit: Unit, workflow_id: str, status: str, moment: Any) -> None:
    row = Execution(id=new_id("exec"), workflow_id=workflow_id, definition={}, trigger="manual")
    row.status, row.created_at, row.input, row.output = status, moment, {}, {}
    row.started_at, row.ended_at = moment, moment + timedelta(seconds=2)
    assert await unit.executions.insert(row)
    if status == "failed":
        log = BlockLog(id=new_id("log"), execution_id=row.id, workspace_id=unit.workspace_id)
        log.block_id, log.block_name, log.block_type = "Fetch", "Fetch", "api"
        log.execution_order, log.status, log.started_at, log.ended_at = 1, "error", moment, moment
        log.input, log.output = {}, {}
        log.error_code, log.error_message = "UPSTREAM_ERROR", "example.com answered 503."
        unit._session.add(log)


async def test_workflows_with_a_block(member: Member, posting: str) -> None:
    told = await _ask(member, "Find all workflows using the Slack block")
    assert posting in told["content"]
    assert "Nothing to it" not in told["content"]
    assert "`find_workflows`" in told["content"]
    assert "2 workflows" in told["content"]
    assert told["model"] == RULES_MODEL
    assert told["notice"]["code"] == "ANSWERED_BY_RULES"
    assert told["notice"]["message"] not in told["content"]
    (call,) = told["toolCalls"]
    assert (call["name"], call["status"]) == ("find_workflows", "success")
    assert told["citations"] == []


async def test_how_to_use_variables_in_conditions(member: Member, services: Services) -> None:
    text = "Variable interest entities are consolidated under certain conditions of the contract."
    await write_base(services.store, member.workspace_id, text)
    told = await _ask(member, "How do I use variables in conditions?")
    assert "<variable.retries> < 3" in told["content"]
    assert "condition-else" in told["content"]
    assert [call["name"] for call in told["toolCalls"]] == ["explain"]


async def test_templates_for_email(member: Member) -> None:
    told = await _ask(member, "What templates are available for email automation?")
    assert "Reply to email" in told["content"]
    assert "Sort email" in told["content"]
    assert "Side by side" not in told["content"]


async def test_logs_of_the_past_week(member: Member, runs: str) -> None:
    prompt = "Analyze my workflow execution logs from the past week"
    told = await _ask(member, prompt, mode="workspace-explore")
    assert "5 runs" in told["content"]
    assert "3 completed, 2 failed" in told["content"]
    assert "60%" in told["content"]
    assert "2 × Daily (1) news / Fetch" in told["content"]
    assert "5 runs" in (await _ask(member, prompt))["content"]  # reading tools are in every mode


async def test_a_chart_in_the_default_mode_names_the_mode_that_draws(
    member: Member, runs: str
) -> None:
    told = await _ask(member, "Create a visualization of my workflow usage patterns")
    assert "5 runs" in told["content"]
    assert told["content"].endswith("in the mode workspace-explore, for the role write.")


async def test_a_document_question_with_product_words_is_quoted(
    member: Member, services: Services
) -> None:
    text = "The workflow for approving budgets has three steps: lead, finance, director."
    await write_base(services.store, member.workspace_id, text)
    told = await _ask(member, "What is the workflow for approving budgets?")
    assert "three steps" in told["content"]
    assert len(told["citations"]) == 1
    assert told["toolCalls"] == []
    assert told["model"] == OFFLINE_CHAT_MODEL
    assert told["notice"]["code"] == "OFFLINE_ANSWERER"
    answer = (await member.program.get("/api/copilot/history")).json()["data"][-1]
    assert answer["notice"] == told["notice"]
    assert told["notice"]["message"] not in answer["content"]


async def test_a_greeting_is_answered_as_such(member: Member, services: Services) -> None:
    await write_base(services.store, member.workspace_id, "Seagulls nest on the pier.")
    told = await _ask(member, "hello")
    assert told["content"].startswith("Hello!")
    assert told["citations"] == []


async def test_a_report_of_api_errors(member: Member, runs: str) -> None:
    told = await _ask(member, "Generate a report of all API errors", mode="workspace-explore")
    assert "found 2 failures" in told["content"]
    assert "example.com answered 503." in told["content"]
    (report,) = told["artifacts"]
    assert report["type"] == "markdown"
    seen = await member.program.get(f"/api/artifacts/{report['token']}")
    assert "| 2 | Daily (1) news | Fetch (`api`) | UPSTREAM_ERROR" in seen.text


async def test_a_visualization_of_usage(member: Member, runs: str) -> None:
    prompt = "Create a visualization of my workflow usage patterns"
    told = await _ask(member, prompt, mode="workspace-explore")
    assert {(a["type"], a["title"]) for a in told["artifacts"]} == {
        ("svg", "Runs by day"),
        ("svg", "Runs by workflow"),
    }
    for shown in told["artifacts"]:
        seen = await member.program.get(f"/api/artifacts/{shown['token']}")
        assert shown["title"] in seen.text
    history = (await member.program.get("/api/copilot/history")).json()["data"]
    assert history[-1]["artifacts"] == told["artifacts"]


async def test_nothing_there_is_told_as_that(member: Member) -> None:
    explore = {"mode": "workspace-explore"}
    drawn = await _ask(member, "Create a visualization of my workflow usage patterns", **explore)
    assert "nothing to draw" in drawn["content"]
    assert drawn["artifacts"] == []
    report = await _ask(member, "Generate a report of all API errors", **explore)
    assert "found 0 failures" in report["content"]


async def test_a_workflow_is_read_and_checked(member: Member, posting: str) -> None:
    guide = {"mode": "workflow-guide", "workflowId": posting}
    read = await _ask(member, "Explain this workflow", **guide)
    assert "**Fetch** (`api`) → Tell" in read["content"]
    checked = await _ask(member, "Is my workflow valid, what is wrong with this workflow?", **guide)
    assert "nothing wrong" in checked["content"]
