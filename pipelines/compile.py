"""Turns a graph into a Haystack pipeline: a component a block, a socket an edge.

Along every edge goes one token: True when the branch is taken, False when it is skipped. A block
whose tokens are all False is skipped and passes False on, so a join never waits for a branch that
will not come, and a block starts as soon as each of its predecessors has finished or is skipped.
Values do not travel through the sockets: Haystack copies what does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipelines.graph import Graph
from pipelines.workflow import Block

if TYPE_CHECKING:
    from haystack import Pipeline

Turn = Callable[[Block, bool], Awaitable[frozenset[str]]]
"""Takes a block's turn: given whether it is reached, returns the handles it leaves by."""

_BEGIN = "begin"


def compile_graph(graph: Graph, ids: set[str], turn: Turn) -> Pipeline:
    """Return the pipeline of the blocks in ``ids``; ``turn`` is awaited once for each.

    A block of which no predecessor is among ``ids`` begins the run.
    """
    from haystack import Pipeline

    component = _component_class()
    names = {block_id: f"b{i}" for i, block_id in enumerate(graph.order(ids))}
    edges = [edge for edge in graph.edges if edge.source in names and edge.target in names]
    pipeline = Pipeline()
    for block_id, name in names.items():
        into = [f"e{i}" for i, edge in enumerate(edges) if edge.target == block_id]
        out = {f"e{i}": edge.handle for i, edge in enumerate(edges) if edge.source == block_id}
        pipeline.add_component(name, component(graph.blocks[block_id], into or [_BEGIN], out, turn))
    for i, edge in enumerate(edges):
        pipeline.connect(f"{names[edge.source]}.e{i}", f"{names[edge.target]}.e{i}")
    return pipeline


async def run_pipeline(pipeline: Pipeline) -> None:
    """Run every block; raise what the first failing one raised, the others then being cancelled."""
    from haystack.core.errors import PipelineRuntimeError

    entries = {name: dict.fromkeys(sockets, True) for name, sockets in pipeline.inputs().items()}
    try:
        await pipeline.run_async(entries, concurrency_limit=max(1, len(pipeline.graph)))
    except PipelineRuntimeError as error:
        raise error.__cause__ or error from None


@lru_cache
def _component_class() -> Any:
    from haystack import component

    @component
    class BlockComponent:
        """One block's place in the pipeline."""

        def __init__(self, block: Block, into: list[str], out: dict[str, str], turn: Turn) -> None:
            self._block, self._out, self._turn = block, out, turn
            component.set_input_types(self, **dict.fromkeys(into, bool))
            component.set_output_types(self, **dict.fromkeys(out, bool))

        def run(self, **tokens: bool) -> dict[str, bool]:  # noqa: ARG002 - the sockets
            raise RuntimeError("Blocks run asynchronously; use run_async.")

        async def run_async(self, **tokens: bool) -> dict[str, bool]:
            taken = await self._turn(self._block, any(tokens.values()))
            return {socket: handle in taken for socket, handle in self._out.items()}

    return BlockComponent
