from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from copilot import offline, searching, turn
from copilot.begin import Ask, Turn, begin
from copilot.events import TurnLog, follow, log_name
from core.errors import Conflict, NotFound, ValidationFailed
from core.events import EventLogs
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta, ToolCall
from core.rights import Rights, Role
from core.services import Services
from core.store.base import now
from core.store.messages import Message
from tests.conftest import Owner
from tests.copilot.conftest import MakeBase
from tests.fakes import FakeChat

BUDGETS = "The head of finance approves every budget above 10,000 euros."
OWNER = Rights(Role.OWNER)
LUNCH = "Lunch is served at noon in the canteen on the ground floor."


async def _begin(services: Services, owner: Owner, ask: Ask) -> Turn:
    async with services.store.unit(owner.workspace_id) as unit:
        return await begin(unit, services, owner.user_id, ask)


async def _read(
    services: Services, owner: Owner, begun: Turn, after: int = 0
) -> list[dict[str, Any]]:
    async def reload() -> Message | None:
        async with services.store.unit(owner.workspace_id) as unit:
            return await unit.messages.get(begun.message.id, owner.user_id)

    message = await reload()
    assert message is not None
    events = follow(services.events, message, reload, after)
    return [event.data async for event in events if event is not None]


async def _told(services: Services, begun: Turn) -> list[dict[str, Any]]:
    return [event.data for event in await services.events.read(log_name(begun.message), 0)]


async def _stored(services: Services, owner: Owner, begun: Turn) -> Message:
    async with services.store.unit(owner.workspace_id) as unit:
        message = await unit.messages.get(begun.message.id, owner.user_id)
    assert message is not None
    return message


def _text(events: list[dict[str, Any]]) -> str:
    return "".join(e["payload"]["delta"] for e in events if e["type"] == "text")


async def test_a_turn_answers_from_the_documents_with_checked_marks(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    base_id = await make_base(owner.workspace_id, LUNCH, BUDGETS)
    begun = await _begin(services, owner, Ask("Who approves budgets?", base_ids=[base_id]))
    fake = FakeChat([["The head of finance approves every bud", "get [1][", "9]."]])
    await turn.run(services, begun, fake)
    asked = str(fake.requests[0].messages[-1]["content"])
    mark = 1 if asked.index(BUDGETS) < asked.index(LUNCH) else 2
    events = await _read(services, owner, begun)
    stored = await _stored(services, owner, begun)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "start"
    assert events[-1]["type"] == "done"
    assert events[-1]["payload"] == {
        "status": "completed",
        "usage": {"input": 10, "output": 5, "total": 15},
        "cost": 0.25,
    }
    assert {event["messageId"] for event in events} == {begun.message.id}
    assert _text(events) == stored.content
    assert mark == 1
    assert stored.content == "The head of finance approves every budget [1]."
    assert stored.citations[0]["quote"] == "The head of finance approves every budget"
    assert [e["payload"] for e in events if e["type"] == "citation"] == stored.citations
    assert (stored.status, stored.lease_owner) == ("completed", None)
    assert await _read(services, owner, begun, after=2) == events[2:]


async def test_the_offline_answerer_quotes_or_declines(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    offline.register()
    base_id = await make_base(owner.workspace_id, LUNCH, BUDGETS)
    for question, is_found in (("When is lunch served?", True), ("Who discovered radium?", False)):
        begun = await _begin(services, owner, Ask(question, base_ids=[base_id]))
        await turn.run(services, begun)
        stored = await _stored(services, owner, begun)
        assert stored.content.startswith(LUNCH) is is_found
        assert (offline.ABSTENTION in stored.content) is not is_found
        assert bool(stored.citations) is is_found


async def test_a_chat_remembers_and_other_bases_stay_out(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    await make_base(owner.workspace_id, LUNCH)
    first = await _begin(services, owner, Ask("Hello there!"))
    await turn.run(services, first, FakeChat([["Good day."]]))
    chat_id = first.message.chat_id
    second = await _begin(services, owner, Ask("And when is lunch?", chat_id=chat_id))
    fake = FakeChat([["At noon."]])
    await turn.run(services, second, fake)
    roles = [message["role"] for message in fake.requests[0].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert fake.requests[0].messages[1]["content"] == "Hello there!"
    assert LUNCH in str(fake.requests[0].messages[3]["content"])  # of all bases, none being named


async def test_a_tool_call_is_shown_and_kept(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    base_id = await make_base(owner.workspace_id, LUNCH)
    begun = await _begin(services, owner, Ask("Hm?", base_ids=[base_id]))
    call = ToolCall("c1", "search_knowledge", '{"query": "lunch"}')
    await turn.run(services, begun, FakeChat([[call], ["Lunch is served at noon [1]."]]))
    events = await _read(services, owner, begun)
    phases = [e["payload"]["phase"] for e in events if e["type"] == "tool"]
    stored = await _stored(services, owner, begun)
    assert phases == ["call", "result"]
    assert stored.tool_calls[0]["arguments"] == {"query": "lunch"}
    assert LUNCH in stored.tool_calls[0]["output"]
    assert stored.citations[0]["n"] == 1


async def test_an_end_lets_those_go_before_who_wait_for_a_first_word(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "_PATIENCE_SECONDS", 1_000)
    begun = await _begin(services, owner, Ask("Hello?"))
    said, others = asyncio.Event(), 2  # as many as search at a time
    held = AsyncExitStack()

    async def door(_: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        for _other in range(others):
            await held.enter_async_context(services.retrievals.slot("another workspace"))
        yield TextDelta("Whole.")
        yield Finished("m", "stop", 1, 1, None)
        said.set()

    running = asyncio.create_task(turn.run(services, begun, door))
    await said.wait()
    while "text" not in {event["type"] for event in await _told(services, begun)}:
        await asyncio.sleep(0.01)
    assert (await _stored(services, owner, begun)).status == "running"
    running.cancel()  # the process stops: what is whole stays whole
    await asyncio.gather(running, return_exceptions=True)
    assert (await _stored(services, owner, begun)).status == "completed"
    await held.aclose()


async def test_the_same_message_id_is_the_same_turn(services: Services, owner: Owner) -> None:
    ask = Ask("Hello?", user_message_id="mine-1")
    both = await asyncio.gather(*(_begin(services, owner, ask) for _ in range(4)))
    assert len({begun.message.id for begun in both}) == 1
    assert sum(begun.is_new for begun in both) == 1


async def test_a_failing_model_ends_the_turn_with_its_sentence(
    services: Services, owner: Owner
) -> None:
    begun = await _begin(services, owner, Ask("Hello?"))
    await turn.run(services, begun, FakeChat([]))
    events = await _read(services, owner, begun)
    stored = await _stored(services, owner, begun)
    assert [event["type"] for event in events] == ["start", "error", "done"]
    assert events[1]["payload"]["code"] == "UPSTREAM_ERROR"
    assert events[2]["payload"]["status"] == stored.status == "failed"
    assert stored.error == events[1]["payload"]


async def _endless(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    yield TextDelta("Once upon a ")
    await asyncio.Event().wait()
    yield Finished("fake", "stop", 0, 0, None)


async def _wait_for_text(services: Services, begun: Turn) -> None:
    after = 0
    while True:
        for event in await services.events.read(log_name(begun.message), after, 1):
            after = event.number
            if event.data["type"] == "text":
                return


async def test_an_aborted_turn_keeps_what_was_read(services: Services, owner: Owner) -> None:
    begun = await _begin(services, owner, Ask("Tell me a story."))
    running = asyncio.create_task(turn.run(services, begun, _endless))
    await _wait_for_text(services, begun)
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.messages.request_cancel(begun.message)
    await running
    events = await _read(services, owner, begun)
    stored = await _stored(services, owner, begun)
    assert events[-1]["payload"]["status"] == stored.status == "aborted"
    assert _text(events) == stored.content
    assert stored.content.startswith("Once upon")  # what may become a link is held back
    assert stored.usage is not None
    assert stored.usage["input"] > 0
    assert stored.usage["output"] > 0
    assert events[-1]["payload"]["usage"] == stored.usage


async def test_run_with_a_model_that_fails_later_keeps_usage_and_cost(
    services: Services, owner: Owner
) -> None:
    begun = await _begin(services, owner, Ask("Hello?"))
    await turn.run(services, begun, FakeChat([[ToolCall("c", "explain", '{"question": "a"}')]]))
    stored = await _stored(services, owner, begun)
    assert stored.status == "failed"
    assert stored.usage == {"input": 10, "output": 5, "total": 15}
    assert stored.cost == 0.25


async def test_a_turn_whose_process_stops_is_interrupted(services: Services, owner: Owner) -> None:
    begun = await _begin(services, owner, Ask("Tell me a story."))
    running = asyncio.create_task(turn.run(services, begun, _endless))
    await _wait_for_text(services, begun)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    events = await _read(services, owner, begun)
    assert [event["type"] for event in events[-2:]] == ["error", "done"]
    assert events[-2]["payload"]["code"] == "INTERRUPTED"


async def test_upkeep_ends_the_turns_of_dead_processes_once(
    services: Services, owner: Owner
) -> None:
    begun = await _begin(services, owner, Ask("Tell me a story."))
    alive = await _begin(services, owner, Ask("Another."))
    await services.events.append(
        log_name(begun.message),
        {"type": "text", "payload": {"delta": "Half an ans"}},
    )
    async with services.store.unit(owner.workspace_id) as unit:
        message = await unit.messages.get(begun.message.id, owner.user_id)
        assert message is not None
        message.lease_until = now() - timedelta(seconds=1)
    assert sum(await asyncio.gather(*(turn.end_interrupted(services) for _ in range(3)))) == 1
    events = await _read(services, owner, begun)
    stored = await _stored(services, owner, begun)
    assert [event["type"] for event in events] == ["text", "error", "done"]
    assert (stored.status, stored.content) == ("failed", "Half an ans")
    assert (await _stored(services, owner, alive)).status == "running"
    await turn.run(services, begun, FakeChat([["Too late."]]))  # a process thought dead
    assert (await _stored(services, owner, begun)).content == "Half an ans"


async def test_a_turn_whose_log_is_gone_is_told_from_its_row(
    services: Services, owner: Owner
) -> None:
    begun = await _begin(services, owner, Ask("Hello?"))
    await turn.run(services, begun, FakeChat([["Good ", "day."]]))
    await services.redis.flushdb()
    events = await _read(services, owner, begun)
    assert [event["type"] for event in events] == ["start", "text", "notice", "done"]
    assert _text(events) == "Good day."


@pytest.mark.parametrize("is_error_said", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_an_end_that_was_written_and_not_said_is_told_from_the_row(
    services: Services,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    is_error_said: bool,
    after: int,
) -> None:
    """Upkeep was killed between its commit and its last words."""
    monkeypatch.setattr(EventLogs.follow, "__defaults__", (0, 0.05))
    begun = await _begin(services, owner, Ask("Tell me a story."))
    log = TurnLog(services.events, begun.message)
    await log.send("text", {"delta": "Half an ans"})
    error = {"code": "INTERRUPTED", "message": "It ended; ask again."}
    if is_error_said:
        await log.send("error", error)
    end = {"status": "failed", "error": error, "content": "Half an ans"}
    async with services.store.unit(owner.workspace_id) as unit:
        assert await unit.messages.finish(begun.message.id, begun.owner or "", end)
    events = await _read(services, owner, begun, min(after, 1 + is_error_said))
    whole = [(1, "text"), (2, "error"), (3, "done")]
    assert [(e["seq"], e["type"]) for e in events] == whole[min(after, 1 + is_error_said) :]


async def test_what_is_not_the_callers_is_not_there(
    services: Services, owner: Owner, make_owner: Any, make_base: MakeBase
) -> None:
    other = await make_owner()
    theirs = await _begin(services, other, Ask("Secret?"))
    base_id = await make_base(other.workspace_id, LUNCH)
    for ask in (
        Ask("Hi", chat_id=theirs.message.chat_id),
        Ask("Hi", base_ids=[base_id]),
        Ask("Hi", workflow_id="wf_none"),
    ):
        with pytest.raises(NotFound):
            await _begin(services, owner, ask)
    for ask in (
        Ask("Hi", mode="nonsense"),
        Ask("Hi", mode="workflow-guide"),
        Ask("Hi", model="openai/expensive"),
    ):
        with pytest.raises(ValidationFailed):
            await _begin(services, owner, ask)


async def test_a_chat_answers_one_question_at_a_time(services: Services, owner: Owner) -> None:
    begun = await _begin(services, owner, Ask("Hello?"))
    with pytest.raises(Conflict) as refusal:
        await _begin(services, owner, Ask("Again!", chat_id=begun.message.chat_id))
    assert refusal.value.details["messageId"] == begun.message.id


async def test_what_a_question_needs_is_searched_from_its_beginning_on(
    services: Services, owner: Owner, make_base: MakeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_id = await make_base(owner.workspace_id, LUNCH, BUDGETS)
    begun = await _begin(services, owner, Ask("Lunch?", base_ids=[base_id]))
    assert begun.search is not None
    found = await begun.search
    assert {passage.text for passage in found} == {LUNCH, BUDGETS}
    monkeypatch.delattr(searching, "find")  # it is not searched again
    fake = FakeChat([["At noon [1]."]])
    await turn.run(services, begun, fake)
    assert str(fake.requests[0].messages[-1]["content"]).index(found[0].text)
    assert (await _stored(services, owner, begun)).citations[0]["chunkId"] == found[0].chunk_id


async def test_a_follow_up_is_searched_at_once_only_where_it_says_enough(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    base_id = await make_base(owner.workspace_id, LUNCH, BUDGETS)
    first = await _begin(services, owner, Ask("When is lunch?", base_ids=[base_id]))
    await turn.run(services, first, FakeChat([["At noon."]]))
    for question, is_searched in (
        ("And then?", False),
        ("Who approves budgets above 20,000 euros in finance?", True),
    ):
        chat_id = first.message.chat_id
        begun = await _begin(services, owner, Ask(question, chat_id, base_ids=[base_id]))
        assert (begun.search is not None) == is_searched
        await turn.run(services, begun, FakeChat([["Whole."], ["Nobody."]]))


async def test_a_turn_that_did_not_come_to_be_leaves_nothing_behind(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    base_id = await make_base(owner.workspace_id, LUNCH)
    with pytest.raises(ZeroDivisionError):
        async with services.store.unit(owner.workspace_id) as unit:
            ask = Ask("When is lunch?", base_ids=[base_id])
            begun = await begin(unit, services, owner.user_id, ask)
            raise ZeroDivisionError
    assert begun.search is not None
    await asyncio.wait({begun.search})
    async with services.store.unit(owner.workspace_id) as unit:
        assert await unit.messages.get(begun.message.id, owner.user_id) is None
    assert services.retrievals.in_use == 0


async def test_many_turns_search_in_the_order_they_came(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, most, finished = 0, 0, []

    async def find(_: object, __: str, ___: object, words: str, *____: object) -> list[Any]:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01)
        at_work -= 1
        finished.append(words)
        return []

    monkeypatch.setattr(searching, "find", find)
    asked = [f"Who approves the budget of department {number}?" for number in range(6)]
    begun = [await _begin(services, owner, Ask(question)) for question in asked]
    turns = (turn.run(services, each, FakeChat([["Nobody."]])) for each in begun)
    await asyncio.gather(*turns)
    assert finished == asked
    assert most == 2


async def test_who_has_no_documents_is_offered_no_search_of_them(
    services: Services, owner: Owner, make_base: MakeBase
) -> None:
    async def offered() -> set[str]:
        begun = await _begin(services, owner, Ask("Who approves budgets?", rights=OWNER))
        fake = FakeChat([["Nobody."]])
        await turn.run(services, begun, fake)
        return {tool.name for tool in fake.requests[0].tools}

    without = await offered()
    assert "find_workflows" in without
    await make_base(owner.workspace_id, LUNCH)
    assert await offered() - without == {"search_knowledge"}
