"""Rules before a small model: they call, it tells; what no rule knows is the model's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import JsonValue

from copilot.rules.guided import Guided
from core.models import chat
from core.models.messages import ToolCall, ToolSpec
from pipelines.agent import Done, Task, run_agent
from pipelines.passages import Passages, marked
from tests.fakes import FakeChat

LOGS = {"runs": 3, "byDay": [{"day": "2026-11-01", "runs": 3}]} | {
    "byWorkflow": [{"name": f"Workflow {n} {'x' * 40}", "runs": n} for n in range(200)]
}


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


async def test_a_known_question_is_planned_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeChat([["Here they are."]])
    logs, draw = Noted("analyze_logs", LOGS), Noted("make_chart", {"title": "t"})  # type: ignore[arg-type]
    question = "Create a visualization of my workflow usage patterns"
    done = await _done(monkeypatch, question, model, logs, draw)
    assert (len(logs.asked), len(draw.asked), done.content) == (1, 2, "Here they are.")
    (told,) = model.requests
    assert not told.may_call_tools
    results = [str(m["content"]) for m in told.messages if m["role"] == "tool"]
    assert max(map(len, results)) < 3_000  # the model is given less than the plan had
    assert all(result.endswith("</material>") for result in results)


async def test_a_tool_that_is_not_there_is_told_to_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = FakeChat([["I cannot look at logs here."]])
    question = "Analyze my workflow execution logs from the past week"
    done = await _done(monkeypatch, question, model, Noted("explain", {}))
    assert [result.status for result in done.results] == ["error"]
    assert done.content == "I cannot look at logs here."


async def test_other_questions_are_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeChat([[ToolCall("c", "look_up", "{}")], ["Done."]])
    tool = Noted("look_up", {"a": 1})
    done = await _done(monkeypatch, "The slipway closes Mondays, true?", model, tool)
    assert (len(tool.asked), done.content) == (1, "Done.")
    assert model.requests[0].may_call_tools
