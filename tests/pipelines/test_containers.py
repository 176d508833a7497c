"""Loops and parallels: what iterations see, in what order they run, how they end and replay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.store.workspaces import PLANS
from pipelines.blocks.component import BlockFailed
from pipelines.blocks.template import Template
from pipelines.run_limits import RunBudget, RunLimitExceeded
from pipelines.trace import MemoryJournal
from tests.pipelines.shapes import Played, block, definition, loop, parallel, play

COUNTED = definition(
    [block("a", template="<loop.index>:<loop.currentItem>"), block("z", template="<l.count>")],
    "s>l l:loop-start-source>a l:loop-end-source>z",
    loops=loop("l", "a", iterations="<start.n>"),
)


def _results(played: Played, container: str) -> Any:
    output = played.outputs[container]
    assert isinstance(output, dict)
    return output["results"]


async def test_a_loop_counts() -> None:
    played = await play(COUNTED, {"n": 3})
    assert played.texts("a") == {"0": "0:0", "1": "1:1", "2": "2:2"}
    assert _results(played, "l") == [{"text": "0:0"}, {"text": "1:1"}, {"text": "2:2"}]
    assert played.outputs["z"] == "3"
    assert played.order == ["s", "a", "a", "a", "l", "z"]


async def test_no_iteration_is_no_mistake() -> None:
    played = await play(COUNTED, {"n": 0})
    assert played.outputs["l"] == {"results": [], "count": 0}


@pytest.mark.parametrize(
    ("items", "seen"),
    [
        (["x", {"y": 1}], ["x", '{"y": 1}']),
        ('["x", "y"]', ["x", "y"]),
        ({"k": "v"}, ['{"key": "k", "value": "v"}']),
        ([], []),
    ],
)
async def test_a_loop_over_items(items: Any, seen: list[str]) -> None:
    raw = definition(
        [block("a", template="<loop.currentItem>")],
        "s>l",
        loops=loop("l", "a", loopType="forEach", forEachItems="<start.items>"),
    )
    assert list((await play(raw, {"items": items})).texts("a").values()) == seen


async def test_items_that_are_a_text_fail_the_block() -> None:
    raw = definition(
        [block("a")], "s>l", loops=loop("l", "a", loopType="forEach", forEachItems="<start.items>")
    )
    with pytest.raises(BlockFailed, match="make it a list"):
        await play(raw, {"items": "one, two"})


async def test_a_loop_sees_what_the_iteration_before_left() -> None:
    raw = definition(
        [block("a", template="<b.text>+"), block("b", template="<a.text><loop.index>")],
        "s>l a>b",
        loops=loop("l", "a b", iterations=3),
    )
    assert list((await play(raw)).texts("b").values()) == ["+0", "+0+1", "+0+1+2"]


async def test_what_is_skipped_in_an_iteration_is_forgotten() -> None:
    check = block("c", "condition", conditions=[{"id": "even", "value": "<loop.index> % 2 == 0"}])
    raw = definition(
        [check, block("e", template="even"), block("j", template="[<e.text>]")],
        "s>l c:condition-even>e e>j c:condition-else>j",
        loops=loop("l", "c e j", iterations=3),
    )
    assert list((await play(raw)).texts("j").values()) == ["[even]", "[]", "[even]"]


async def test_while_looks_before_each_iteration() -> None:
    raw = definition(
        [block("a", template="<a.text>x")],
        "s>l",
        loops=loop("l", "a", loopType="while", whileCondition="length(<a.text>) < <start.n>"),
    )
    assert (await play(raw, {"n": 3})).outputs["l"] == {
        "results": [{"text": "x"}, {"text": "xx"}, {"text": "xxx"}],
        "count": 3,
    }
    assert (await play(raw, {"n": 0})).outputs["l"] == {"results": [], "count": 0}


async def test_while_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.blocks.loop.MAX_WHILE", 5)
    settings: dict[str, Any] = {"loopType": "while", "whileCondition": "true"}
    raw = definition([block("a")], "s>l", loops=loop("l", "a", **settings))
    with pytest.raises(BlockFailed, match="still held after 5 iterations"):
        await play(raw)
    capped = definition([block("a")], "s>l", loops=loop("l", "a", iterations=2, **settings))
    assert len(_results(await play(capped), "l")) == 2


async def test_a_run_of_too_many_blocks_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(PLANS["enterprise"], run_blocks=20)
    monkeypatch.setattr("pipelines.trace.RunBudget", lambda: RunBudget(few))
    with pytest.raises(RunLimitExceeded, match="may run 20 blocks"):
        await play(COUNTED, {"n": 30})


async def test_nested_containers_and_their_names() -> None:
    raw = definition(
        [block("a", template="<loop.index>/<parallel.currentItem>")],
        "s>l l:loop-start-source>p p:parallel-start-source>a",
        loops=loop("l", "p", iterations=2),
        parallels=parallel("p", "a", parallelType="collection", distribution=["x", "y"]),
    )
    played = await play(raw)
    assert sorted(played.texts("a").items(), key=str) == [
        ("0.0", "0/x"),
        ("0.1", "0/y"),
        ("1.0", "1/x"),
        ("1.1", "1/y"),
    ]
    assert _results(played, "l")[1]["results"] == [{"text": "1/x"}, {"text": "1/y"}]


async def test_a_parallel_runs_as_many_at_once_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    now = most = 0
    execute = Template.execute

    async def counted(self: Any, context: Any, settings: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return await execute(self, context, settings)

    monkeypatch.setattr(Template, "execute", counted)
    raw = definition(
        [block("a", template="<parallel.index>")],
        "s>p",
        parallels=parallel("p", "a", count=9, batchSize=3),
    )
    played = await play(raw)
    assert most == 3
    assert _results(played, "p") == [{"text": str(index)} for index in range(9)]


def _failing(container: str, **more: Any) -> dict[str, Any]:
    """Fails in iteration 1 of ``container``."""
    index = f"<{container}.index>"
    bad = block("bad", "condition", conditions=[{"id": "x", "value": f"{index} / (1 - {index})"}])
    return definition([bad, block("rescue", template="<c.error>")], **more)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("loop", {"loops": loop("c", "bad", iterations=3)}),
        ("parallel", {"parallels": parallel("c", "bad", count=3, batchSize=1)}),
    ],
)
async def test_an_iteration_that_fails_fails_the_container(name: str, more: Any) -> None:
    with pytest.raises(
        BlockFailed, match=r'Block "c": Iteration 1: Block "bad": .*divides by zero'
    ):
        await play(_failing(name, edges="s>c", **more))
    played = await play(_failing(name, edges="s>c c:error>rescue", **more))
    assert played.statuses["c"] == "error"
    assert "Iteration 1" in str(played.outputs["rescue"])
    ends = [r.iteration for r in played.journal.records if r.block_id == "bad"]
    assert ends[:2] == ["0", "1"]  # those beside it may have ended before they were ended


async def test_an_error_handled_inside_lets_the_loop_go_on() -> None:
    bad = block("bad", "condition", conditions=[{"id": "x", "value": "1 / <loop.index>"}])
    raw = definition(
        [bad, block("r", template="caught"), block("ok")],
        "s>l bad:error>r bad:condition-x>ok",
        loops=loop("l", "bad r ok", iterations=2),
    )
    assert _results(await play(raw), "l") == [{"text": "caught"}, {"text": "ok"}]


async def test_a_disabled_container_lets_the_run_through() -> None:
    raw = definition(
        [block("l", "loop", _enabled=False), block("a"), block("z", template="[<l.results>]")],
        "s>l l:loop-end-source>z",
        loops=loop("l", "a", iterations=2),
    )
    played = await play(raw)
    assert played.statuses == {"s": "success", "l": "skipped", "z": "success"}
    assert played.outputs["z"] == "[]"


async def test_variables_are_the_run_s() -> None:
    add = block("v", "variables", assignments=[{"name": "x", "value": "<variable.x><loop.index>"}])
    raw = definition(
        [add, block("z", template="<variable.x>")],
        "s>l l>z",
        loops=loop("l", "v", iterations=3),
        variables={"1": {"id": "1", "name": "x", "value": "-"}},
    )
    assert (await play(raw)).outputs["z"] == "-012"


NESTED = definition(
    [
        block("a", template="<loop.index>"),
        block("b", template="<a.text>-<parallel.index>"),
        block("z", template="<l.results>"),
    ],
    "s>l a>p l>z",
    loops=loop("l", "a p", iterations=3),
    parallels=parallel("p", "b", count=2),
)


async def test_a_run_that_stopped_anywhere_goes_on_from_there() -> None:
    """Whatever had been written: nothing of it runs again, and the end is the same."""
    whole = await play(NESTED)
    records = whole.journal.records
    assert len(records) == 15
    for count in range(len(records)):
        journal = MemoryJournal()
        journal.records = list(records[:count])
        again = await play(NESTED, journal=journal)
        assert again.result is not None
        assert whole.result is not None
        assert again.result.output == whole.result.output
        places = [record.place for record in again.journal.records]
        assert len(places) == len(set(places)) == len(records)
        started = [data for kind, data in again.events if kind == "block:started"]
        assert len(started) == len(records) - count


@pytest.mark.parametrize("kind", ["loop", "parallel"])
async def test_a_finished_container_s_variables_are_set_again(kind: str) -> None:
    """A run that stopped after the container: its blocks are not replayed, what they set is."""
    add = block("v", "variables", assignments=[{"name": "x", "value": "<variable.x>+"}])
    more: Any = {"loops": loop("box", "v", iterations=3)}
    if kind == "parallel":
        more = {"parallels": parallel("box", "v", count=3, batchSize=1)}
    raw = definition(
        [add, block("z", template="<variable.x>")],
        "s>box box>z",
        variables={"1": {"id": "1", "name": "x", "value": "-"}},
        **more,
    )
    whole = await play(raw)
    journal = MemoryJournal()
    journal.records = [record for record in whole.journal.records if record.block_id != "z"]
    assert (await play(raw, journal=journal)).outputs["z"] == whole.outputs["z"] == "-+++"
