"""Traces of runs that go on, and of blocks that called tools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from core.store.block_logs import BlockLog
from core.store.executions import Execution
from pipelines.spans import trace_of
from tests.pipelines.shapes import block, definition

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def _log(name: str, iteration: str = "", **more: Any) -> BlockLog:
    row = BlockLog(
        id=f"log_{name}_{iteration}", block_id=name, block_name=name, block_type="template"
    )
    row.iteration, row.status, row.started_at = iteration, "success", BEGUN
    row.ended_at = BEGUN + timedelta(milliseconds=5)
    for key, value in more.items():
        setattr(row, key, value)
    return row


def _run(raw: dict[str, Any]) -> Execution:
    return Execution(id="exec_1", definition=raw, status="running", started_at=BEGUN)


def test_a_container_that_goes_on_shows_what_has_ended_in_it() -> None:
    loops = {
        "a": {"id": "a", "nodes": ["b"], "loopType": "for", "iterations": 2},
        "b": {"id": "b", "nodes": ["t"], "loopType": "for", "iterations": 11},
    }
    raw = definition(
        [block("a", "loop"), block("b", "loop"), block("t")],
        "s>a a:loop-start-source>b b:loop-start-source>t",
        loops=loops,
    )
    rows = [_log("t", f"0.{n}", status="error" if n == 10 else "success") for n in (10, 2, 0)]
    root = trace_of(_run(raw), {"exec_1": rows}, [])
    [outer] = root.children
    assert (outer.name, outer.status, outer.start_time) == ("a", "running", None)
    [first] = outer.children
    assert (first.iteration, first.type) == ("0", "iteration")
    [inner] = first.children
    assert [span.name for span in inner.children] == ["Iteration 1", "Iteration 3", "Iteration 11"]
    assert [span.status for span in inner.children] == ["success", "success", "error"]


def test_calls_of_tools_stand_in_their_block() -> None:
    call = {"id": "c", "name": "find", "arguments": "{}", "status": "success", "output": {"n": 1}}
    row = _log("t", output={"toolCalls": [call, "odd"]}, usage={"total": 3}, cost=0.1)
    root = trace_of(_run(definition([block("t")], "s>t")), {"exec_1": [row]}, [])
    [span] = root.children
    assert (span.tokens, span.cost, span.duration_ms) == ({"total": 3}, 0.1, 5)
    [tool] = span.children
    assert (tool.name, tool.type, tool.input, tool.output) == ("find", "tool", "{}", {"n": 1})
