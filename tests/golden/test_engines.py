"""Haystack's own scheduler and ours come to the same for every shape, as does what was exported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from haystack import Pipeline

from pipelines import compile as compiling
from pipelines.blocks.component import BlockFailed
from pipelines.compile import build_pipeline, compile_level
from pipelines.flow_pipeline import FlowPipeline
from pipelines.graph import Graph
from pipelines.workflow import parse
from tests.golden.shape import FAILING
from tests.golden.test_workflow_shapes import SHAPES, doors, play_shape  # noqa: F401
from tests.pipelines.shapes import Played, block, definition, play

Compile = Callable[[Graph, Iterable[str]], Pipeline]
ALLOWED = ["pipelines.blocks"]


def _loaded(graph: Graph, ids: Iterable[str]) -> Pipeline:
    text = build_pipeline(graph, ids, FlowPipeline()).dumps()
    pipeline = Pipeline.loads(text, allowed_modules=ALLOWED)
    assert pipeline.dumps() == text
    return pipeline


ENGINES: dict[str, tuple[int, Compile]] = {
    "stock": (1_000, compile_level),
    "flow": (0, compile_level),
    "loaded": (0, _loaded),
}


def _rows(played: Played) -> list[Any]:
    records = sorted(played.journal.records, key=lambda r: (r.block_id, r.iteration or ""))
    return [
        (r.place, r.status, r.attempt, r.shown_input, r.error_code)
        + (() if r.block_type == "wait" else (r.output,))  # which says how long it took
        for r in records
    ]


@pytest.mark.parametrize("name", SHAPES)
async def test_shape_on_each_engine_has_the_same_rows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Any] = {}
    for engine, (stock_blocks, compiled) in ENGINES.items():
        monkeypatch.setattr(compiling, "STOCK_BLOCKS", stock_blocks)
        monkeypatch.setattr("pipelines.level.compile_level", compiled)
        played = await play_shape(SHAPES[name])
        assert played.result is not None
        found[engine] = (_rows(played), played.result.output)
    assert found["flow"] == found["stock"]
    assert found["loaded"] == found["stock"]


@pytest.mark.parametrize("engine", ENGINES)
async def test_failure_on_each_engine_ends_the_other_branches(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock_blocks, compiled = ENGINES[engine]
    monkeypatch.setattr(compiling, "STOCK_BLOCKS", stock_blocks)
    monkeypatch.setattr("pipelines.level.compile_level", compiled)
    waits = block("w", "wait", seconds=4)
    raw = definition([FAILING, waits, block("z")], "s>bad s>w bad:condition-x>z w>z")
    before = asyncio.all_tasks()
    with pytest.raises(BlockFailed, match='Block "bad"'):
        await play(raw)
    assert asyncio.all_tasks() == before


def test_compile_level_of_many_blocks_takes_the_linear_scheduler() -> None:
    def compiled(count: int) -> Pipeline:
        names = [f"b{number}" for number in range(count)]
        graph = Graph(
            parse(definition([block(n) for n in names], " ".join(f"s>{n}" for n in names)))
        )
        return compile_level(graph, graph.reached)

    stock = compiling.STOCK_BLOCKS - 1  # and the start
    assert type(compiled(stock)) is Pipeline
    assert type(compiled(stock + 1)) is FlowPipeline


async def test_flow_pipeline_given_a_router_runs_what_received_something() -> None:
    from haystack.components.joiners import BranchJoiner
    from haystack.components.routers import ConditionalRouter

    def build(pipeline: Pipeline) -> Pipeline:
        routes = [
            {"condition": c, "output": "{{x}}", "output_name": n, "output_type": str}
            for c, n in (("{{x == 'a'}}", "a"), ("{{x != 'a'}}", "b"))
        ]
        pipeline.add_component("router", ConditionalRouter(routes))  # type: ignore[arg-type]
        for name in ("a", "b"):
            pipeline.add_component(name, BranchJoiner(str))
            pipeline.connect(f"router.{name}", f"{name}.value")
        return pipeline

    for given in ("a", "z"):
        asked = {"router": {"x": given}}
        ours = await build(FlowPipeline()).run_async(asked)
        assert ours == await build(Pipeline()).run_async(asked)
