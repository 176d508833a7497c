"""Our quick rule for what is ready is Haystack's own, at every step of any run."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from haystack import Pipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import block_pipeline
from pipelines.block_pipeline import BlockPipeline
from pipelines.compile import compile_graph, run_pipeline
from pipelines.graph import Graph
from pipelines.workflow import parse
from tests.pipelines.shapes import block, definition


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Random graphs without cycles; every block is reached."""
    count = draw(st.integers(1, 8))
    edges = []
    for target in range(count):
        sources = draw(st.sets(st.integers(-1, target - 1), min_size=1, max_size=3))
        edges += [f"{'s' if source == -1 else f'n{source}'}>n{target}" for source in sources]
    raw = definition([block(f"n{number}") for number in range(count)], " ".join(edges))
    return Graph(parse(raw))


@given(graph=graphs(), seed=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
async def test_the_same_components_are_ready_as_by_haystack(graph: Graph, seed: Any) -> None:
    pipeline = compile_graph(graph, set(graph.blocks))
    ours, looks = BlockPipeline._fill_queue, 0

    def both(self: BlockPipeline, *given: Any) -> Any:
        nonlocal looks
        looks += 1
        mine, theirs = ours(self, *given), Pipeline._fill_queue(self, *given)
        runnable = [entry for entry in _emptied(theirs) if entry[0] < 4]  # 4: blocked
        assert _emptied(mine) == runnable
        return ours(self, *given)

    async def take(block_id: str, _: bool) -> frozenset[str]:
        for _turn in range(seed.randint(0, 4)):  # ends in any order
            await asyncio.sleep(0)
        return frozenset({"source"}) if seed.random() < 0.7 else frozenset()

    BlockPipeline._fill_queue = both  # type: ignore[method-assign]
    try:
        await run_pipeline(pipeline, take)
    finally:
        BlockPipeline._fill_queue = ours  # type: ignore[method-assign]
    assert looks > 2


def _emptied(queue: Any) -> list[tuple[int, str]]:
    return [queue.pop() for _ in range(len(queue))]


def test_haystack_still_has_the_hooks_that_are_used() -> None:
    """Where it calls them by other names or arguments, its own slow way is taken in silence."""
    for name in ("_fill_queue", "_run_component_async"):
        ours = inspect.signature(getattr(block_pipeline.BlockPipeline, name)).parameters
        theirs = inspect.signature(getattr(Pipeline, name)).parameters
        named = [key for key, value in ours.items() if value.kind is not value.VAR_KEYWORD]
        named = [key for key in named if ours[key].kind is not inspect.Parameter.VAR_POSITIONAL]
        assert named == list(theirs)[: len(named)]
