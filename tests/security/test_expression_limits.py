"""Expressions and deep values: bounded, off the event loop, refused by name."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from core.errors import ValidationFailed
from core.fair_limiter import QueueTimedOut
from core.json_values import MAX_DEPTH, JsonTooDeep, measure_json, require_depth
from core.services import Services
from pipelines import expressions
from pipelines.blocks.base import Context
from pipelines.expressions import evaluate, evaluate_aside
from pipelines.references import as_text, resolve
from pipelines.scope import RunScope, by_socket
from tests.api.conftest import Member
from tests.conftest import Owner
from tests.pipelines.running import begin
from tests.pipelines.shapes import block, definition

BIG = "a" * 1_800_000


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _scope(**outputs: Any) -> RunScope:
    return RunScope({}, values=by_socket(outputs))


async def test_evaluate_aside_over_large_value_leaves_the_event_loop() -> None:
    threads: list[int] = []

    class Watched(RunScope):
        def lookup(self, reference: Any) -> Any:
            threads.append(threading.get_ident())
            return super().lookup(reference)

    scope = Watched({}, values={"a.text": BIG})
    assert await evaluate_aside('<a.text> contains "b"', scope, "ws") is False
    assert threads[-1] != threading.get_ident()


async def test_evaluate_aside_without_free_thread_times_out() -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow(RunScope):
        def lookup(self, reference: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                entered.set()
                leave.wait(30)
            return super().lookup(reference)

    scope = Slow(variables={}, values={"a.text": BIG})
    source = '<a.text> contains "b"'
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(evaluate_aside(source, scope, "ws"))
        try:
            await asyncio.to_thread(entered.wait, 30)
            with pytest.raises(QueueTimedOut, match="No slot became free"):
                await evaluate_aside(source, scope, "ws", wait_seconds=0.05)
        finally:
            leave.set()


async def test_evaluate_aside_over_small_value_takes_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expressions, "_threads", None)
    assert await evaluate_aside("<a.text> == 1", _scope(a={"text": 1}), "ws") is True


def test_evaluate_that_reads_a_large_value_again_and_again_is_refused() -> None:
    source = " or ".join(['lower(<a.text>) contains "b"'] * 40)
    with pytest.raises(ValidationFailed, match=r"too much text|takes longer"):
        evaluate(source, _scope(a={"text": BIG}))


def test_resolve_with_many_large_texts_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="texts of a block exceed"):
        resolve(["-<a.text>-"] * 100, _scope(a={"text": BIG}))


def test_measure_json_of_value_that_doubles_stops_at_its_limit() -> None:
    value: Any = ["x"]
    for _ in range(90):
        value = [value, value]
    assert 1_000_000 < measure_json(value, 1_000_000) < 5_000_000
    with pytest.raises(ValidationFailed):
        as_text(value)


def test_require_depth_at_and_beyond_the_limit() -> None:
    require_depth(_deep(MAX_DEPTH))
    with pytest.raises(JsonTooDeep):
        require_depth(_deep(MAX_DEPTH + 1))


def test_evaluate_json_of_deep_text_is_refused() -> None:
    with pytest.raises(JsonTooDeep):
        evaluate("json(<a.text>) == 1", _scope(a={"text": "[" * 400 + "]" * 400}))


async def test_run_whose_block_makes_deep_value_fails_by_name(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.blocks.template import Template

    async def deep(_: Template, context: Context, settings: Any) -> Any:
        return {"text": _deep(400)}

    monkeypatch.setattr(Template, "execute", deep)
    row = await begin(services, owner, definition([block("a")], "s>a"))
    assert (row.status, row.error["code"]) == ("failed", "VALIDATION_ERROR")
    assert "nested deeper" in row.error["message"]


@pytest.mark.parametrize("levels", [150, 900, 5000])
async def test_request_with_deep_body_is_refused_by_name(member: Member, levels: int) -> None:
    raw = '{"input": ' + "[" * levels + "]" * levels + "}"
    answer = await member.program.post(
        "/api/workflows/wf_any/execute",
        content=raw,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert json.loads(answer.text)["error"]["message"]
