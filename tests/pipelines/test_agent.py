from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from pydantic import JsonValue

from core.errors import NotFound, UpstreamError
from core.models.messages import TextDelta, ThinkingDelta, ToolCall, ToolSpec
from pipelines.agent import AgentEvent, Done, Task, run_agent
from pipelines.calling import ToolResult
from pipelines.citations import Citation
from pipelines.passages import Passage, Passages
from tests.fakes import FakeChat

ASK = [{"role": "user", "content": "How warm is it in Oslo?"}]
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
SPEC = ToolSpec("weather", "Say how warm it is.", SCHEMA)


@dataclass
class Weather:
    """A tool that also retrieves, like a search does."""

    passages: Passages = field(default_factory=Passages)
    asked: list[dict[str, JsonValue]] = field(default_factory=list)
    spec: ToolSpec = SPEC

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        self.asked.append(arguments)
        if arguments["city"] == "Nowhere":
            raise NotFound("There is no city of that name; try another.")
        if arguments["city"] == "Crash":
            raise ZeroDivisionError
        text = f"It is 17 degrees in {arguments['city']} today."
        self.passages.add([Passage(f"chk_{arguments['city']}", "doc_1", "w.txt", text, 0)])
        return {"degrees": 17}


def _call(arguments: str, name: str = "weather", call_id: str = "c1") -> ToolCall:
    return ToolCall(call_id, name, arguments)


async def _run(chat: FakeChat, task: Task) -> list[AgentEvent]:
    return [event async for event in run_agent(task, chat)]


async def test_without_tools_the_answer_comes_through_with_its_costs() -> None:
    chat = FakeChat([[ThinkingDelta("Hm."), "Quite ", "warm."]])
    events = await _run(chat, Task(ASK, Passages(), model="x/y", temperature=0.5, max_tokens=9))
    assert events[:3] == [ThinkingDelta("Hm."), TextDelta("Quite"), TextDelta(" warm.")]
    assert events[-1] == Done("Quite warm.", [], [], "x/y", "stop", 10, 5, 0.25)
    assert (chat.requests[0].temperature, chat.requests[0].max_tokens) == (0.5, 9)


async def test_a_tool_is_called_and_its_passages_can_be_cited() -> None:
    weather = Weather()
    chat = FakeChat(
        [["Let me look.", _call('{"city": "Oslo"}')], ["It is 17 degrees in Oslo [1", "]", " [2]."]]
    )
    events = await _run(chat, Task(ASK, weather.passages, [weather]))
    kinds = [type(event) for event in events]
    assert kinds.index(ToolCall) < kinds.index(ToolResult) < kinds.index(Citation)
    done = events[-1]
    assert isinstance(done, Done)
    assert done.content == "Let me look.\n\nIt is 17 degrees in Oslo [1]."
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == done.content
    assert [citation.quote for citation in done.citations] == ["It is 17 degrees in Oslo"]
    assert (done.input_tokens, done.output_tokens, done.cost) == (20, 10, 0.5)
    assistant, result = chat.requests[1].messages[-2:]
    assert assistant["content"] == "Let me look."
    assert result == {"role": "tool", "tool_call_id": "c1", "content": '{"degrees": 17}'}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (_call('{"city": "Nowhere"}'), "There is no city"),
        (_call('{"city": "Crash"}'), "failed"),
        (_call('{"city": 3}'), "not of type 'string'"),
        (_call("{}"), "'city' is a required property"),
        (_call('{"city": '), "do not fit"),
        (_call("{}", name="launch"), "There is no tool 'launch'; known: weather"),
    ],
)
async def test_a_failed_call_goes_back_to_the_model(call: ToolCall, sentence: str) -> None:
    chat = FakeChat([[call], ["Sorry."]])
    events = await _run(chat, Task(ASK, Passages(), [Weather()]))
    (result,) = (event for event in events if isinstance(event, ToolResult))
    assert result.status == "error"
    assert sentence in str(result.output)
    assert sentence in str(chat.requests[1].messages[-1]["content"])
    assert isinstance(events[-1], Done)


async def test_calls_of_one_round_run_side_by_side_and_are_answered_in_order() -> None:
    both_started = asyncio.Barrier(2)

    @dataclass
    class Meeting(Weather):
        async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
            await both_started.wait()
            return arguments["city"]

    calls = [_call('{"city": "A"}', call_id="c1"), _call('{"city": "B"}', call_id="c2")]
    chat = FakeChat([calls, ["Done."]])
    events = await _run(chat, Task(ASK, Passages(), [Meeting()]))
    assert [e.output for e in events if isinstance(e, ToolResult)] == ["A", "B"]


async def test_the_last_round_may_call_no_tool() -> None:
    calls = [[_call('{"city": "Oslo"}')]] * 3
    chat = FakeChat(calls)
    weather = Weather()
    events = await _run(chat, Task(ASK, weather.passages, [weather], max_rounds=3))
    assert [request.may_call_tools for request in chat.requests] == [True, True, False]
    assert len(weather.asked) == 2
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize(
    "task",
    [
        Task(ASK, Passages(), cites=False),
        Task(ASK, Passages(), response_format={"type": "json_object"}),
    ],
)
async def test_brackets_are_brackets_where_nothing_is_cited(task: Task) -> None:
    events = await _run(FakeChat([['{"a": ', "[1]}"]]), task)
    assert isinstance(events[-1], Done)
    assert events[-1].content == '{"a": [1]}'


async def test_a_failing_model_is_an_error() -> None:
    with pytest.raises(UpstreamError):
        await _run(FakeChat([]), Task(ASK, Passages()))
