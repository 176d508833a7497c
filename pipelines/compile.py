"""Turns a graph into a Haystack pipeline: a component a block, a socket an edge.

Along every edge goes one token: ``taken``, ``skipped``, or ``held`` where the run pauses. A block
whose tokens are all ``skipped`` is skipped and passes that on, so a join never waits for a branch
that will not come, and a block starts as soon as each of its predecessors has finished or is
skipped. A block with a token ``held`` has its turn when the run goes on; the others run to their
end, and so does the pipeline. Values do not travel through the sockets: Haystack copies what does.

A pipeline knows only the graph's shape, so runs of one workflow share it, side by side too: what a
block does comes from the run, through a context variable.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pipelines.graph import Graph

if TYPE_CHECKING:
    from pipelines.block_pipeline import BlockPipeline, Turn

_BEGIN: Final = "begin"
_KEPT: Final = 32  # compiled shapes; one costs about a millisecond for ten blocks, and 5 kB a block


def compile_graph(graph: Graph, ids: set[str]) -> BlockPipeline:
    """Return the pipeline of the blocks in ``ids``.

    A block of which no predecessor is among ``ids`` begins the run.
    """
    edges = [
        (edge.source, edge.target, edge.handle)
        for edge in graph.edges
        if edge.source in ids and edge.target in ids
    ]
    return _compiled(tuple(graph.order(ids)), tuple(edges))


async def run_pipeline(pipeline: BlockPipeline, turn: Turn) -> None:
    """Await ``turn`` once for each block; raise what the first failing one raised.

    The others are cancelled then, and when this coroutine is.
    """
    from pipelines import block_pipeline

    taken = block_pipeline.TAKEN
    entries = {name: dict.fromkeys(sockets, taken) for name, sockets in pipeline.inputs().items()}
    token = block_pipeline.turn.set(turn)
    try:
        await pipeline.run_async(entries, concurrency_limit=max(1, len(pipeline.graph)))
    finally:
        block_pipeline.turn.reset(token)


@lru_cache(maxsize=_KEPT)
def _compiled(ids: tuple[str, ...], edges: tuple[tuple[str, str, str], ...]) -> BlockPipeline:
    from pipelines.block_pipeline import BlockComponent, BlockPipeline

    names = {block_id: f"b{i}" for i, block_id in enumerate(ids)}
    into: dict[str, list[str]] = {block_id: [] for block_id in ids}
    out: dict[str, dict[str, str]] = {block_id: {} for block_id in ids}
    for i, (source, target, handle) in enumerate(edges):
        out[source][f"e{i}"] = handle
        into[target].append(f"e{i}")
    pipeline = BlockPipeline()
    for block_id, name in names.items():
        place = BlockComponent(block_id, into[block_id] or [_BEGIN], out[block_id])
        pipeline.add_component(name, place)
    for i, (source, target, _) in enumerate(edges):
        pipeline.connect(f"{names[source]}.e{i}", f"{names[target]}.e{i}")
    return pipeline
