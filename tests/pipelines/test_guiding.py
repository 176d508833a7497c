"""What a small model is asked in a round."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from core.models.messages import Message, ToolCall
from core.models.room import LARGE, SMALL
from pipelines.calling import ToolResult
from pipelines.guiding import is_stuck, objection, reminded, sources
from pipelines.narrowing import ANSWERING
from pipelines.passages import Passage, Passages

ASK: list[Message] = [{"role": "user", "content": "Mail ann@x.example the day."}]
OUTPUT: Message = {"role": "tool", "tool_call_id": "c", "content": "Monday. Mail bo@x.example!"}


def _result(output: str, name: str = "day", arguments: str = "{}", ok: bool = True) -> ToolResult:
    return ToolResult(ToolCall("c", name, arguments), "success" if ok else "error", output)


def _passages(near: float, shown: str) -> Passages:
    passages = Passages(SMALL)
    passages.add([Passage("c", "d", "a.txt", "Monday", 0, near=near, shown=shown)])
    return passages


@pytest.mark.parametrize(
    ("near", "shown", "named"),
    [(ANSWERING, "Monday", [1]), (ANSWERING, "", []), (ANSWERING - 0.01, "Monday", [])],
)
def test_points_name_statements_where_one_answers(
    near: float, shown: str, named: list[int]
) -> None:
    assert sources(_passages(near, shown)) == named


def test_a_reminder_stands_under_an_output_for_a_small_model_only() -> None:
    told = [*ASK, OUTPUT]
    small, large = Passages(SMALL), Passages(LARGE)
    assert reminded(ASK, small, []) == ASK
    assert reminded(told, large, [_result("Monday")]) == told
    worked = reminded(told, small, [_result("Monday")])[-1]
    failed = reminded(told, small, [_result("No.", ok=False)])[-1]
    assert worked["role"] == failed["role"] == "user"
    assert worked != failed
    assert "Mail ann@x.example the day." in str(worked["content"])


def _exchange(call_id: str, output: str) -> list[Message]:
    function: dict[str, JsonValue] = {"name": "day", "arguments": "{}"}
    call: JsonValue = {"id": call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": output},
    ]


def test_what_came_to_nothing_is_left_out_but_for_the_last() -> None:
    told = [*ASK, *_exchange("a", "No."), *_exchange("b", "Monday"), *_exchange("c", "Nor this.")]
    results = [
        ToolResult(ToolCall("a", "day", "{}"), "error", "No."),
        ToolResult(ToolCall("b", "day", "{}"), "success", "Monday"),
        ToolResult(ToolCall("c", "day", "{}"), "error", "Nor this."),
    ]
    assert reminded(told, Passages(SMALL), results)[:-1] == [*ASK, *told[3:]]
    again = objection(ToolCall("c", "day", "{}"), {}, ASK, results)
    results[-1] = ToolResult(ToolCall("c", "day", "{}"), "error", again)
    assert reminded(told, Passages(SMALL), results)[:-1] == [*ASK, *told[3:5]]


def test_a_call_made_before_is_not_made_again_and_a_reply_is_due() -> None:
    again = objection(ToolCall("d", "day", "{}"), {}, ASK, [_result("Monday")])
    assert again is not None
    assert is_stuck([_result("Monday"), _result(again, ok=False)])
    assert not is_stuck([_result("Monday")])
    assert objection(ToolCall("d", "day", '{"n": 2}'), {"n": 2}, ASK, [_result("Monday")]) is None


@pytest.mark.parametrize(
    ("address", "is_known"),
    [("ann@x.example", True), ("bo@x.example", True), ("cy@x.example", False)],
)
def test_an_address_has_been_named_by_somebody(address: str, is_known: bool) -> None:
    read = _result("Monday. Mail bo@x.example!", "read")
    failed = _result("Nobody has named cy@x.example.", "mail", ok=False)
    call = ToolCall("d", "mail", f'{{"to": "{address}"}}')
    found = objection(call, {"to": [address]}, ASK, [read, failed])
    assert (found is None) is is_known


def test_an_address_of_an_answer_before_is_known_and_one_of_this_answer_is_not() -> None:
    call, arguments = ToolCall("d", "mail", "{}"), {"to": "dee@x.example"}
    said: Message = {"role": "assistant", "content": "Dee's address is dee@x.example."}
    assert objection(call, arguments, [said, *ASK], []) is None
    assert objection(call, arguments, [*ASK, said], []) is not None
