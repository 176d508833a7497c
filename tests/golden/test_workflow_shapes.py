"""Every shape of the table: what each block came to, in whatever order they end, and replayed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.blocks import KINDS
from pipelines.blocks.base import Held
from pipelines.blocks.component import BlockComponent
from pipelines.outline import Outline
from pipelines.trace import MemoryJournal
from pipelines.workflow import parse
from tests.golden.doors import Http, Sandbox, stand_ins
from tests.golden.shape import Shape
from tests.golden.table import LEVELS
from tests.golden.table_of_blocks import BLOCKS
from tests.golden.table_of_containers import CONTAINERS
from tests.pipelines.shapes import Played, play

SHAPES = {**LEVELS, **CONTAINERS, **BLOCKS}


@pytest.fixture(autouse=True)
def doors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def deliver(context: Any, message: Any) -> tuple[int, int]:
        return (
            await context.services.http.request(SimpleNamespace(method="POST", url=message.url))
        ).status, 1

    monkeypatch.setattr("pipelines.blocks.webhook.deliver", deliver)
    with stand_ins():
        yield


async def play_shape(shape: Shape, journal: MemoryJournal | None = None) -> Played:
    """Run a shape to its end; where people are asked, pause at each question first."""
    journal = journal or MemoryJournal()
    for count in range(len(shape.answers) + 1):
        answered = dict(list(shape.answers.items())[:count])
        try:
            return await play(
                shape.raw,
                shape.given,
                journal=journal,
                services=SimpleNamespace(http=Http(), sandbox=Sandbox(), store=None, sealer=None),
                answers=answered,
                workflows={"wf_echo": lambda given: {"text": f"{given['x']}!"}},
            )
        except Held:
            assert count < len(shape.answers)
    raise AssertionError("it asks more than is answered")


def _check(shape: Shape, played: Played) -> None:
    assert played.statuses == shape.statuses
    assert played.result is not None
    assert played.result.output == shape.output


def test_there_are_enough_and_no_block_is_left_out() -> None:
    kinds = {b["type"] for shape in SHAPES.values() for b in shape.raw["blocks"].values()}
    assert kinds == set(KINDS)
    assert len(SHAPES) >= 60
    handles = {e.get("sourceHandle", "source") for s in SHAPES.values() for e in s.raw["edges"]}
    assert handles >= {
        "source",
        "error",
        "condition-else",
        "router-one",
        "loop-start-source",
        "loop-end-source",
        "parallel-start-source",
        "parallel-end-source",
    }


@pytest.mark.parametrize("name", SHAPES)
async def test_shape(name: str) -> None:
    _check(SHAPES[name], await play_shape(SHAPES[name]))


@pytest.mark.parametrize("name", SHAPES)
async def test_in_any_order_of_ends(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = BlockComponent._attempt
    lot = random.Random(name)

    async def late(self: BlockComponent[Any], *given: Any) -> Any:
        await asyncio.sleep(lot.random() * 0.004)
        return await attempt(self, *given)

    monkeypatch.setattr(BlockComponent, "_attempt", late)
    for _ in range(3):
        played = await play_shape(SHAPES[name])
        _check(SHAPES[name], played)
        _check_order(SHAPES[name], played)


def _check_order(shape: Shape, played: Played) -> None:
    """Each block of each iteration ended once, and after those before it."""
    places = [record.place for record in played.journal.records]
    assert len(places) == len(set(places))
    edges = [e for level in Outline(parse(shape.raw)).levels.values() for e in level.edges]
    for edge in edges:
        for iteration in {i for block_id, i in places if block_id == edge.target}:
            source, target = (edge.source, iteration), (edge.target, iteration)
            assert places.index(source) < places.index(target)


@pytest.mark.parametrize("name", SHAPES)
async def test_replay_runs_nothing_again_and_answers_the_same(name: str) -> None:
    first = await play_shape(SHAPES[name])
    records = list(first.journal.records)
    again = await play_shape(SHAPES[name], first.journal)
    assert again.journal.records == records
    assert again.events == []
    assert again.result is not None
    assert again.result.output == SHAPES[name].output
