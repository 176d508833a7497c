from __future__ import annotations

import pytest

from copilot.asking import words_to_search
from copilot.begin import Ask, Turn, begin
from copilot.events import TurnLog
from copilot.report import Report
from core.models.messages import Message
from core.services import Services
from tests.conftest import Owner
from tests.fakes import FakeChat

HISTORY: list[Message] = [
    {"role": "user", "content": "What did Acme earn in 2022?"},
    {"role": "assistant", "content": "Nine million."},
]


async def _turn(services: Services, owner: Owner, question: str, model: str) -> tuple[Turn, Report]:
    async with services.store.unit(owner.workspace_id) as unit:
        begun = await begin(unit, services, owner.user_id, Ask(question))
    begun.message.request = {**(begun.message.request or {}), "model": model}
    return begun, Report(TurnLog(services.events, begun.message))


async def test_a_short_follow_up_is_made_whole_and_counted(
    services: Services, owner: Owner
) -> None:
    begun, report = await _turn(services, owner, "And in 2023?", "openai/some")
    fake = FakeChat([["earnings of Acme in 2023\nAcme's profit 2023"]])
    words = await words_to_search(services, begun, HISTORY, fake, report)
    assert words == "earnings of Acme in 2023"
    report.close("openai/some", 100, 20, 0.5)
    assert report.stored()["usage"] == {"input": 110, "output": 25, "total": 135}
    assert report.stored()["cost"] == 0.75


@pytest.mark.parametrize(
    ("question", "model", "rounds"),
    [
        ("And in 2023?", "nuxa/extractive", []),  # the offline answerer
        ("And in 2023?", "openai/some", []),  # fails
        ("And in 2023?", "openai/some", [[""]]),  # has no better words
    ],
)
async def test_without_a_models_words_the_question_before_stands_in_front(
    services: Services, owner: Owner, question: str, model: str, rounds: list[list[str]]
) -> None:
    begun, report = await _turn(services, owner, question, model)
    words = await words_to_search(services, begun, HISTORY, FakeChat(rounds), report)
    assert words == "What did Acme earn in 2022?\nAnd in 2023?"


async def test_a_question_that_says_enough_costs_no_call(services: Services, owner: Owner) -> None:
    question = "Which supplier delivers the steel for the northern bridge?"
    begun, report = await _turn(services, owner, question, "openai/some")
    fake = FakeChat([])
    assert await words_to_search(services, begun, HISTORY, fake, report) == question
    assert fake.requests == []


async def test_it_can_be_switched_off(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.settings, "rewrite_follow_ups", False)
    begun, report = await _turn(services, owner, "And in 2023?", "openai/some")
    fake = FakeChat([["never asked"]])
    await words_to_search(services, begun, HISTORY, fake, report)
    assert fake.requests == []


async def test_secrets_do_not_reach_the_model(services: Services, owner: Owner) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("KEY", services.sealer.seal("hunter2-hunter2"))
    begun, report = await _turn(services, owner, "And hunter2-hunter2?", "openai/some")
    fake = FakeChat([["x"]])
    await words_to_search(services, begun, HISTORY, fake, report)
    assert "hunter2" not in str(fake.requests[0].messages)
