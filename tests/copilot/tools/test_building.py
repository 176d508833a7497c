"""A workflow built by steps: their blocks, edges and references are made in code."""

from __future__ import annotations

from typing import Any

import pytest

from copilot import turn
from copilot.begin import Ask, begin
from copilot.tools.building import BUILD_WORKFLOW, Steps, operations_for
from copilot.tools.operations import applied
from core.errors import ValidationFailed
from core.ids import new_id
from core.rights import Rights, Role
from core.services import Services
from core.store.workflows import Workflow
from pipelines.validity import check
from pipelines.workflow import parse
from tests.conftest import Owner
from tests.copilot.conftest import MakeBase
from tests.fakes import FakeChat
from tests.pipelines.shapes import block, definition

EVERY = [
    {"do": "fetch", "url": "https://example.com/news"},
    {"do": "template", "name": "Greeting", "text": "News: <previous>"},
    {"do": "agent", "instructions": "Answer with citations.", "fromDocuments": True},
    {"do": "wait", "seconds": 5},
    {"do": "slack", "channel": "#answers"},
    {"do": "mail", "to": "ann@example.com", "subject": "News"},
    {"do": "agent", "instructions": "Say it shorter.", "fromDocuments": False},
    {"do": "response"},
]


def _built(before: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    asked = Steps.model_validate({"steps": steps})
    return applied(before, operations_for(before, asked.steps, ["kb_1"]))


def _settings(after: dict[str, Any]) -> dict[str, Any]:
    return {
        each["name"]: {key: field["value"] for key, field in each["subBlocks"].items()}
        for each in after["blocks"].values()
    }


def test_each_step_works_on_what_the_one_before_gave_and_nothing_keeps_it_from_running() -> None:
    after = _built(definition([], ""), EVERY)
    assert check(parse(after), runnable=True) == []
    made = _settings(after)
    assert made["Greeting"] == {"template": "News: <fetch.data>"}
    assert made["Answer"] == {
        "systemPrompt": "Answer with citations.",
        "prompt": "<greeting.text>",
        "knowledgeBaseIds": ["kb_1"],
    }
    assert made["Post"]["params"] == {"channel": "#answers", "text": "<answer.content>"}
    assert made["Mail"]["params"]["body"] == "<answer.content>"
    assert made["Answer 2"] == {"systemPrompt": "Say it shorter.", "prompt": "<answer.content>"}
    assert made["Response"] == {"data": "<answer2.content>"}
    assert len(after["edges"]) == len(EVERY)


@pytest.mark.parametrize(
    ("kinds", "is_heard"),
    [
        ("agent slack", True),
        ("slack", True),
        ("agent", True),  # what it writes is what the run gives
        ("slack agent", False),
        ("agent slack agent", False),
        ("agent slack agent mail", True),
        ("slack agent response", True),
        ("response agent", False),
    ],
)
def test_what_a_model_writes_is_told_to_somebody_where_anything_is(
    kinds: str, is_heard: bool
) -> None:
    by_kind = {each["do"]: each for each in EVERY}
    asked = {"steps": [by_kind[kind] for kind in kinds.split()]}
    if is_heard:
        BUILD_WORKFLOW.fit(asked)
    else:
        with pytest.raises(ValidationFailed, match="go nowhere"):
            BUILD_WORKFLOW.fit(asked)


def test_its_examples_can_be_called() -> None:
    for _, arguments in BUILD_WORKFLOW.examples:
        BUILD_WORKFLOW.fit(arguments)  # type: ignore[arg-type]


def test_steps_go_behind_what_there_is() -> None:
    before = definition([block("t", template="old")], "s>t")
    after = _built(before, [{"do": "slack", "channel": "#a"}])
    assert after["edges"][-1] == {"id": "t-source-post", "source": "t", "target": "post"}
    name = before["blocks"]["t"]["name"]
    assert _settings(after)["Post"]["params"]["text"] == f"<{name.lower()}.text>"


@pytest.mark.parametrize("empty", [{}, {"blocks": {}, "edges": []}])
def test_an_empty_workflow_gets_what_starts_it(empty: dict[str, Any]) -> None:
    after = _built(empty, [{"do": "response"}])
    assert check(parse(after), runnable=True) == []
    assert [each["type"] for each in after["blocks"].values()] == ["start", "response"]
    assert _settings(after)["Response"] == {"data": "<start.input>"}


def test_without_a_start_there_is_nothing_to_go_behind() -> None:
    before = definition([block("t", template="x")], "")
    del before["blocks"]["s"]
    with pytest.raises(ValidationFailed, match="no start"):
        _built(before, [{"do": "response"}])


@pytest.mark.parametrize("model", ["local/qwen2.5-coder-1.5b", "openai/gpt-4o"])
async def test_a_model_on_this_machine_builds_by_steps_and_does_not_search_instead(
    services: Services, owner: Owner, make_base: MakeBase, model: str
) -> None:
    base_id = await make_base(owner.workspace_id, "The slipway is closed on Mondays.")
    row = Workflow(
        id=new_id("wf"), name="w", definition=definition([], ""), created_by=owner.user_id
    )
    async with services.store.unit(owner.workspace_id) as unit:
        unit.workflows.add(row)
    ask = Ask(
        "When a webhook asks when the slipway is closed, answer.",
        mode="workflow-studio",
        workflow_id=row.id,
        base_ids=[base_id],
        rights=Rights(Role.OWNER),
    )
    async with services.store.unit(owner.workspace_id) as unit:
        begun = await begin(unit, services, owner.user_id, ask)
    begun.message.request = {**(begun.message.request or {}), "model": model}
    fake = FakeChat([["Done."]])
    await turn.run(services, begun, fake)
    (request,) = fake.requests
    tools = {tool.name for tool in request.tools}
    is_small = model.startswith("local/")
    assert ("build_workflow" in tools) == is_small
    assert ("search_knowledge" in tools) != is_small
    assert ("<passages>" in str(request.messages[-1]["content"])) != is_small
    assert request.may_call_tools
