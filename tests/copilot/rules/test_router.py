"""The router: which plan a question has, and which questions are the documents'."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.modes import find_mode
from copilot.rules import router
from copilot.rules.plans import PLANS
from copilot.rules.router import find_route
from copilot.rules.words import workflow_filter
from pipelines.passages import Passage

CHAT = find_mode("workspace-chat", None).tools
EXPLORE = find_mode("workspace-explore", None).tools
BUDGETS = Passage(
    "chk_1", "doc_1", "Budgets.md",
    "The workflow for approving budgets has three steps: the lead signs, finance checks the cost "
    "centre, the director approves.", 0,
)  # fmt: skip


async def _name(question: str, *passages: Passage, offered: frozenset[str] = EXPLORE) -> str | None:
    route = await find_route(question, passages, offered)
    return route.name if route else None


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Find all workflows using the Slack block", "find_workflows"),
        ("Which of my flows post to Slack?", "find_workflows"),
        ("Show all workflows", "find_workflows"),
        ("How do I use variables in conditions?", "explain"),
        ("How does a webhook start a workflow?", "explain"),
        ("What templates are available for email automation?", "find_templates"),
        ("Analyze my workflow execution logs from the past week", "analyze_logs"),
        ("Generate a report of all API errors", "report_errors"),
        ("Create a visualization of my workflow usage patterns", "make_chart"),
        ("Which blocks are there?", "find_blocks"),
        ("Explain this workflow", "read_workflow"),
        ("What is wrong with my workflow?", "check_workflow"),
        ("hello", "greeting"),
        ("Hi! How are you doing?", "greeting"),
        ("thanks a lot", "thanks"),
        ("What are you able to do?", "abilities"),
    ],
)
async def test_find_route_with_a_request_names_its_plan(question: str, name: str) -> None:
    assert await _name(question, BUDGETS) == name


@pytest.mark.parametrize(
    "question",
    [
        "What is the workflow for approving budgets?",
        "Who approves budgets?",
        "Summarize the execution of the treaty",
        "What is the loop gain of the amplifier?",
        "How do I reset my badge at the front desk?",
        "What does the template in annex B say about fees?",
        "What does the chart say about water usage?",
    ],
)
async def test_find_route_with_a_document_question_returns_none(question: str) -> None:
    assert await _name(question, BUDGETS) is None


async def test_find_route_with_a_question_nearer_to_a_passage_returns_none() -> None:
    text = "The report of the supervisor names the banks that failed in 2009."
    question = "What were the failed banks in the report?"
    assert await _name(question, Passage("chk_2", "doc_2", "Supervision.md", text, 0)) is None


async def test_find_route_without_the_tool_returns_none() -> None:
    offered = frozenset({"search_knowledge"})
    assert await _name("Show all workflows", offered=offered) is None


async def test_find_route_in_the_default_mode_reads_logs() -> None:
    question = "Analyze my workflow execution logs from the past week"
    assert await _name(question, offered=CHAT) == "analyze_logs"


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("Find all workflows using the Slack block", {"block": "slack"}),
        ("Lesquels de mes flux publient sur Slack ?", {"block": "slack"}),
        ("which workflows have an agent block?", {"block": "agent"}),
        ("List my workflows about invoices.", {"text": "invoices"}),
        ("Show all workflows", {}),
    ],
)
def test_workflow_filter_reads_what_is_named(question: str, arguments: dict[str, str]) -> None:
    assert workflow_filter(question) == arguments


def test_every_file_of_requests_belongs_to_a_plan() -> None:
    folder = Path(router.__file__).parent / "requests"
    assert {path.stem for path in folder.glob("*.txt")} == set(PLANS)
