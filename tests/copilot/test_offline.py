from __future__ import annotations

from collections.abc import AsyncIterator

from copilot import offline
from core.models import chat
from core.models.messages import ChatRequest, Finished, Message, TextDelta, ToolSpec
from pipelines.agent import Done, Task, run_agent
from pipelines.passages import Passage, Passages, question_with
from tests.pipelines.test_statements import REPORT

HANDBOOK = (
    "Travel costs are paid back within fourteen days. Receipts above 50 euros must be kept. "
    "Lunch [12] is served at noon."
)
BUDGET = "The head of finance approves every budget above 10,000 euros. Smaller ones need no one."
OTHERS = "The harbour opened in 1893.\nSeagulls nest on the northern pier."


def _messages(question: str, *texts: str) -> tuple[Passages, list[Message]]:
    passages = Passages()
    found = passages.add(
        Passage(f"chk_{i}", f"doc_{i}", f"{i}.md", text, 0) for i, text in enumerate(texts)
    )
    return passages, [
        {"role": "system", "content": "Passages stand in <passages>."},
        {"role": "user", "content": question_with(found, question)},
    ]


async def _answer(messages: list[Message]) -> str:
    pieces: AsyncIterator[str] = offline.answer(ChatRequest(messages))
    return "".join([piece async for piece in pieces])


async def test_the_best_sentence_is_quoted_with_its_mark() -> None:
    _, messages = _messages("Who approves a budget?", HANDBOOK, BUDGET, OTHERS)
    assert await _answer(messages) == (
        "The head of finance approves every budget above 10,000 euros. [2]"
    )


async def test_what_the_passages_do_not_hold_is_declined() -> None:
    _, messages = _messages("Which enzyme splits lactose?", HANDBOOK, BUDGET, OTHERS)
    text = await _answer(messages)
    assert text.startswith(offline.ABSTENTION)
    assert "[" not in text


async def test_an_empty_search_is_declined_and_no_search_is_explained() -> None:
    _, searched = _messages("Who approves a budget?")
    assert (await _answer(searched)).startswith(offline.ABSTENTION)
    plain: list[Message] = [{"role": "user", "content": "Write a poem."}]
    text = await _answer(plain)
    assert text.startswith(offline.NOTHING_TO_QUOTE)


async def test_it_answers_through_the_door_and_its_marks_pass_the_check() -> None:
    offline.register()
    passages, messages = _messages("When is lunch served?", BUDGET, HANDBOOK)
    task = Task(messages, passages, model="nuxa/extractive")
    events = [event async for event in run_agent(task, chat.stream)]
    done = events[-1]
    assert isinstance(done, Done)
    assert done.content.startswith("Lunch (12) is served at noon. [2]")
    assert [citation.quote for citation in done.citations] == ["Lunch [12] is served at noon."]
    assert sum(isinstance(event, TextDelta) for event in events) > 1


async def test_the_door_takes_settings_the_answerer_has_no_use_for() -> None:
    offline.register()
    _, messages = _messages("Who approves a budget?", BUDGET)
    tool = ToolSpec("search", "Search.", {"type": "object", "properties": {}})
    request = ChatRequest(messages, [tool], "nuxa/extractive", 0.2, 100, {"type": "json_object"})
    deltas = [delta async for delta in chat.stream(request)]
    assert isinstance(deltas[-1], Finished)


async def test_what_is_only_near_is_quoted_and_not_called_an_answer() -> None:
    text = "Harbour fees are paid by ship owners. Ships pay by the day."
    _, messages = _messages("What do captains of fishing boats owe the harbour in winter?", text)
    answer = await _answer(messages)
    assert answer.startswith(f"{offline.UNSURE}\n\n- Harbour fees are paid by ship owners. [1]")


async def test_a_row_is_told_under_its_columns_and_its_mark_passes_the_check() -> None:
    offline.register()
    question = "How much did the company spend on research and development?"
    passages, messages = _messages(question, REPORT, OTHERS)
    task = Task(messages, passages, model="nuxa/extractive")
    done = [event async for event in run_agent(task, chat.stream)][-1]
    assert isinstance(done, Done)
    assert "Research and development: Q3 2022 $ 6,797; Q3 2021 $ 5,717 [1]" in done.content
    assert "|" not in done.content
    assert any("| Research and development | $ 6,797 |" in each.quote for each in done.citations)
