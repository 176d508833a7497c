"""Rules before a small model: what they know they answer, the rest is the model's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import JsonValue

from copilot.rules.guided import Guided
from core.config import RULES_MODEL
from core.models import chat
from core.models.messages import ToolCall, ToolSpec
from pipelines.agent import Done, Task, run_agent
from pipelines.passages import Passages, marked
from tests.fakes import FakeChat

LOGS: dict[str, JsonValue] = {
    "days": 30,
    "runs": 3,
    "byTrigger": {},
    "byDay": [{"day": "2026-11-01", "runs": 3}],
} | {"byWorkflow": [{"name": f"Workflow {n} {'x' * 40}", "runs": n} for n in range(200)]}


@dataclass
class Noted:
    name: str
    output: JsonValue
    asked: list[dict[str, JsonValue]] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, self.name, {"type": "object"})

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        self.asked.append(arguments)
        return self.output


async def _done(monkeypatch: pytest.MonkeyPatch, said: str, model: FakeChat, *tools: Any) -> Done:
    monkeypatch.setattr(chat, "stream", model)
    door = Guided()
    asked = [{"role": "user", "content": said}]
    task = Task(asked, Passages(), tools, model="local/m", present=marked, overhear=door.overhear)
    events = [event async for event in run_agent(task, door)]
    assert isinstance(events[-1], Done)
    return events[-1]


async def test_a_known_question_is_answered_by_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, draw = Noted("analyze_logs", LOGS), Noted("make_chart", {"title": "t"})
    question = "Create a visualization of my workflow usage patterns"
    done = await _done(monkeypatch, question, FakeChat([]), logs, draw)
    assert (len(logs.asked), len(draw.asked)) == (1, 2)  # however little a model is given of it
    assert "make_chart" in done.content
    assert done.model == RULES_MODEL


async def test_guided_without_the_tool_leaves_the_question_to_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = "Analyze my workflow execution logs from the past week"
    done = await _done(monkeypatch, question, FakeChat([["Done."]]), Noted("explain", {}))
    assert (done.content, list(done.results)) == ("Done.", [])


async def test_other_questions_are_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeChat([[ToolCall("c", "look_up", "{}")], ["Done."]])
    tool = Noted("look_up", {"a": 1})
    done = await _done(monkeypatch, "The slipway closes Mondays, true?", model, tool)
    assert (len(tool.asked), done.content) == (1, "Done.")
    assert model.requests[0].may_call_tools


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("When a mail comes, answer it.", {"build_workflow"}),
        ("Answer mails, and test it.", {"build_workflow", "run_workflow"}),
        (
            "Remove the last block.",
            {"edit_workflow", "check_workflow", "run_workflow", "find_blocks"},
        ),
    ],
)
async def test_who_builds_is_shown_the_tools_for_that(
    monkeypatch: pytest.MonkeyPatch, question: str, shown: set[str]
) -> None:
    names = ("build_workflow", "edit_workflow", "check_workflow", "run_workflow", "find_blocks")
    model = FakeChat([["Done."]])
    await _done(monkeypatch, question, model, *(Noted(name, {}) for name in names))
    assert {tool.name for tool in model.requests[0].tools} == shown


BUILT: dict[str, JsonValue] = {
    "valid": True,
    "issues": [],
    "added": [{"name": "Answer", "type": "agent"}, {"name": "Post", "type": "tool"}],
}
BUILDS = ToolCall("c", "build_workflow", "{}")


async def test_what_was_built_is_told_by_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeChat([[BUILDS]])
    tool = Noted("build_workflow", BUILT)
    done = await _done(monkeypatch, "When a mail comes, answer it.", model, tool)
    assert (len(tool.asked), len(model.requests)) == (1, 1)
    assert done.content.index("**Answer** (`agent`)") < done.content.index("**Post** (`tool`)")
    assert "Nothing keeps it from running" in done.content


async def test_what_keeps_it_from_running_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    issues: list[JsonValue] = [{"message": "Post: the channel is missing."}]
    tool = Noted("build_workflow", {**BUILT, "valid": False, "issues": issues})
    done = await _done(monkeypatch, "When a mail comes, answer it.", FakeChat([[BUILDS]]), tool)
    assert "- Post: the channel is missing." in done.content
    assert "Nothing keeps" not in done.content


@pytest.mark.parametrize(
    ("question", "output"),
    [("Answer mails, and test it.", BUILT), ("When a mail comes, answer it.", "refused")],
)
async def test_the_model_goes_on_where_there_is_more_to_do(
    monkeypatch: pytest.MonkeyPatch, question: str, output: JsonValue
) -> None:
    model = FakeChat([[BUILDS], ["Done."]])
    done = await _done(monkeypatch, question, model, Noted("build_workflow", output))
    assert (len(model.requests), done.content) == (2, "Done.")
