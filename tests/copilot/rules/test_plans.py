"""Rules: which question goes to which tool, and which are left to the documents."""

from __future__ import annotations

import re

import pytest
from pydantic import JsonValue

from copilot.guide import all_sections, best_sections
from copilot.rules.calls import Result
from copilot.rules.plans import plan_for
from copilot.rules.words import days_in
from copilot.toolbox import TOOLS
from pipelines.expressions import parse


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("Find all workflows using the Slack block", "find_workflows", {"block": "Slack"}),
        ("which workflows have an agent block?", "find_workflows", {"block": "agent"}),
        ("List my workflows about invoices.", "find_workflows", {"text": "invoices"}),
        ("Show all workflows", "find_workflows", {"text": ""}),
        ("How do I use variables in conditions?", "explain", None),
        ("How does a webhook start a workflow?", "explain", None),
        ("What templates are available for email automation?", "find_templates",
         {"text": "email automation"}),
        ("Analyze my workflow execution logs from the past week", "analyze_logs", {"days": 7}),
        ("Summarize the run logs of the last 3 months", "analyze_logs", {"days": 90}),
        ("Generate a report of all API errors", "report_errors", {"days": 30, "apiOnly": True}),
        ("Which workflow failures were there today?", "report_errors",
         {"days": 1, "apiOnly": False}),
        ("Create a visualization of my workflow usage patterns", "analyze_logs", {"days": 30}),
        ("Which blocks are there for loops?", "find_blocks", {"text": "loops"}),
        ("Explain this workflow", "read_workflow", {}),
        ("What is wrong with my workflow?", "check_workflow", {}),
    ],
)  # fmt: skip
def test_a_rule_chooses_the_tool(
    question: str, tool: str, arguments: dict[str, JsonValue] | None
) -> None:
    plan = plan_for(question)
    assert plan is not None
    (use,) = plan.next([])
    assert use.tool == tool
    assert use.arguments == (arguments if arguments is not None else {"question": question})
    TOOLS[tool].fit(use.arguments)


@pytest.mark.parametrize(
    "question",
    [
        "Who approves budgets?",
        "What were the failed banks in the report?",
        "Summarize the execution of the treaty",
        "What is the loop gain of the amplifier?",
        "How do I reset my badge at the front desk?",
        "What does the template in annex B say about fees?",
        "What does the chart say about water usage?",
        "List the errors the auditors found in the accounts",
    ],
)
def test_questions_to_the_documents_are_left_to_them(question: str) -> None:
    assert plan_for(question) is None


def test_what_a_tool_refused_is_told() -> None:
    plan = plan_for("Create a visualization of my workflow usage patterns")
    assert plan is not None
    refused = Result("analyze_logs", None, "The mode workspace-chat has no tool analyze_logs.")
    assert plan.next([refused]) == []
    assert refused.error in plan.tell([refused])


@pytest.mark.parametrize(
    ("question", "days"),
    [("today", 1), ("the last 24 hours", 1), ("past two weeks", 14), ("last year", 365),
     ("the last 5000 days", 365), ("ever", 9)],
)  # fmt: skip
def test_days(question: str, days: int) -> None:
    assert days_in(question, 9) == days


def test_the_guide_finds_its_sections_and_its_examples_are_true() -> None:
    asked = {
        "How do I use variables in conditions?": "Variables in conditions",
        "How can a workflow be started by a webhook?": "Webhooks that start a workflow",
        "How do I post to Slack?": "Slack, Gmail and other tools",
        "How do I retry a block that fails?": "Errors and retries",
        "How do I keep an API key secret?": "Secrets",
    }
    for question, title in asked.items():
        assert best_sections(question)[0].title == title, question
    assert best_sections("zzz qqq") == []
    examples = [
        example
        for section in all_sections()
        for example in re.findall(r"```condition\n(.*?)\n```", section.text, re.DOTALL)
    ]
    assert len(examples) >= 2
    for example in examples:
        parse(example)
