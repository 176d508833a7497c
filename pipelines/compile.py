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

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from pipelines.graph import Graph

if TYPE_CHECKING:
    from haystack import Pipeline

Turn = Callable[[str, bool], Awaitable[frozenset[str] | None]]
"""Takes a block's turn: given its id and whether it is reached, returns the handles taken, or None
where the run pauses at it."""
Token = Literal["taken", "skipped", "held"]

TAKEN: Final = "taken"
SKIPPED: Final = "skipped"
HELD: Final = "held"
_BEGIN = "begin"
_KEPT = 32  # compiled shapes; one costs about a millisecond for ten blocks, and 5 kB a block
_turn: ContextVar[Turn] = ContextVar("turn")


def compile_graph(graph: Graph, ids: set[str]) -> Pipeline:
    """Return the pipeline of the blocks in ``ids``.

    A block of which no predecessor is among ``ids`` begins the run.
    """
    edges = [
        (edge.source, edge.target, edge.handle)
        for edge in graph.edges
        if edge.source in ids and edge.target in ids
    ]
    return _compiled(tuple(graph.order(ids)), tuple(edges))


async def run_pipeline(pipeline: Pipeline, turn: Turn) -> None:
    """Await ``turn`` once for each block; raise what the first failing one raised.

    The others are cancelled then, and when this coroutine is.
    """
    from haystack.core.errors import PipelineRuntimeError

    entries = {name: dict.fromkeys(sockets, TAKEN) for name, sockets in pipeline.inputs().items()}
    token = _turn.set(turn)
    try:
        await pipeline.run_async(entries, concurrency_limit=max(1, len(pipeline.graph)))
    except PipelineRuntimeError as error:
        raise error.__cause__ or error from None
    finally:
        _turn.reset(token)


@lru_cache(maxsize=_KEPT)
def _compiled(ids: tuple[str, ...], edges: tuple[tuple[str, str, str], ...]) -> Pipeline:
    from haystack import Pipeline

    component = _component_class()
    names = {block_id: f"b{i}" for i, block_id in enumerate(ids)}
    into: dict[str, list[str]] = {block_id: [] for block_id in ids}
    out: dict[str, dict[str, str]] = {block_id: {} for block_id in ids}
    for i, (source, target, handle) in enumerate(edges):
        out[source][f"e{i}"] = handle
        into[target].append(f"e{i}")
    pipeline = Pipeline()
    for block_id, name in names.items():
        pipeline.add_component(name, component(block_id, into[block_id] or [_BEGIN], out[block_id]))
    for i, (source, target, _) in enumerate(edges):
        pipeline.connect(f"{names[source]}.e{i}", f"{names[target]}.e{i}")
    return pipeline


@lru_cache
def _component_class() -> Any:
    from haystack import component

    @component
    class BlockComponent:
        """One block's place in the pipeline."""

        def __init__(self, block_id: str, into: list[str], out: dict[str, str]) -> None:
            self._block_id, self._out = block_id, out
            component.set_input_types(self, **dict.fromkeys(into, str))
            component.set_output_types(self, **dict.fromkeys(out, str))

        def run(self, **tokens: Token) -> dict[str, Token]:  # noqa: ARG002 - the sockets
            raise RuntimeError("Blocks run asynchronously; use run_async.")

        async def run_async(self, **tokens: Token) -> dict[str, Token]:
            came = set(tokens.values())
            taken = None if HELD in came else await _turn.get()(self._block_id, TAKEN in came)
            if taken is None:
                return dict.fromkeys(self._out, HELD)
            return {s: TAKEN if handle in taken else SKIPPED for s, handle in self._out.items()}

    return BlockComponent
