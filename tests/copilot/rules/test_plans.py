"""Rules: which question goes to which tool, and which are left to the documents."""

from __future__ import annotations

import re

import pytest
from pydantic import JsonValue

from copilot.guide import all_sections, best_sections
from copilot.rules.calls import Result
from copilot.rules.plans import PLANS, first_tool
from copilot.rules.words import days_in
from copilot.toolbox import TOOLS
from pipelines.expressions import parse

ALL = frozenset(TOOLS)


@pytest.mark.parametrize(
    ("name", "question", "arguments"),
    [
        ("find_workflows", "Find all workflows using the Slack block", {"block": "slack"}),
        ("explain", "How do loops work?", {"question": "How do loops work?"}),
        ("find_templates", "What templates are available for email automation?",
         {"text": "email"}),
        ("analyze_logs", "Analyze my workflow execution logs from the past week", {"days": 7}),
        ("analyze_logs", "Summarize the run logs of the last 3 months", {"days": 90}),
        ("report_errors", "Generate a report of all API errors", {"days": 30, "apiOnly": True}),
        ("report_errors", "Which failures were there today?", {"days": 1, "apiOnly": False}),
        ("make_chart", "Create a visualization of my workflow usage patterns", {"days": 30}),
        ("find_blocks", "Which blocks are there for loops?", {"text": "loops"}),
        ("read_workflow", "Explain this workflow", {}),
        ("check_workflow", "What is wrong with my workflow?", {}),
    ],
)  # fmt: skip
def test_plan_begins_with_a_call_that_the_tool_takes(
    name: str, question: str, arguments: dict[str, JsonValue]
) -> None:
    (use,) = PLANS[name](question, ALL).next([])
    assert use.tool == first_tool(name)
    assert use.arguments == arguments
    TOOLS[use.tool].fit(use.arguments)


def test_plan_with_a_refused_call_tells_the_refusal() -> None:
    plan = PLANS["analyze_logs"]("Analyze my logs", ALL)
    refused = Result("analyze_logs", None, "Your key has no scope for logs.")
    assert plan.next([refused]) == []
    assert plan.tell([refused]) == refused.error


def test_plan_without_a_later_tool_names_the_mode_that_has_it() -> None:
    plan = PLANS["make_chart"]("Draw my runs", {"analyze_logs"})
    stats = {"days": 30, "runs": 1, "byDay": [], "byTrigger": {}}
    results = [Result("analyze_logs", {**stats, "byWorkflow": [{"name": "W", "runs": 1}]})]
    assert plan.next(results) == []
    assert plan.tell(results).endswith("in the mode workspace-explore, for the role write.")


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
