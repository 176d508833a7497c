"""Runs one level of a workflow, and the levels inside its containers, from first block to last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from core.loading import load
from pipelines.blocks.base import Context, Held
from pipelines.compile import compile_graph, run_pipeline
from pipelines.graph import Graph
from pipelines.outcome import final_output, is_response, select
from pipelines.scope import RunScope
from pipelines.trace import BlockRecord, Trace
from pipelines.turns import BlockFailed, IterationFailed, Turns


@dataclass(frozen=True)
class Extent:
    """Which part of a workflow runs and which outputs are wanted; by default all of it."""

    start_block_id: str | None = None
    stop_after_block_id: str | None = None
    selected_outputs: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class LevelResult:
    """What the run answers; ``shown_output`` has the secrets masked."""

    output: JsonValue
    shown_output: JsonValue
    is_response: bool
    usage: Mapping[str, int]
    cost: float | None


async def run_level(
    graph: Graph, extent: Extent, scope: RunScope, trace: Trace, context: Context
) -> LevelResult:
    """Run the outermost level, replaying the blocks that ``trace`` remembers.

    Raises ``BlockFailed`` when a block fails that nothing handles, ``Held`` when nothing more can
    run until something comes that a block waits for, and ``LeaseLost`` when the journal says that
    the run belongs to somebody else.
    """
    await load("pipelines.block_pipeline")  # Haystack: a fifth of a second
    level = _Level(graph, graph.part(extent.start_block_id, extent.stop_after_block_id), trace)
    records = await level.run(scope, context)
    chosen = extent.selected_outputs
    output = select(graph, records, chosen) if chosen else final_output(graph, records)
    cost = sum(trace.costs) if trace.costs else None
    return LevelResult(output, trace.masked(output), is_response(records), trace.usage, cost)


class _Level:
    """A compiled level, which may be run many times, also side by side."""

    def __init__(self, graph: Graph, ids: set[str], trace: Trace) -> None:
        self._graph, self._trace = graph, trace
        self._pipeline = compile_graph(graph, ids)

    async def run(self, scope: RunScope, context: Context) -> Mapping[str, BlockRecord]:
        """Run it once; return how its blocks ended, those that were skipped left out."""
        turns = Turns(self._graph, scope, self._trace, context, self._inside)
        await run_pipeline(self._pipeline, turns.take)
        if turns.is_held:
            raise Held
        return turns.records

    def output(self, records: Mapping[str, BlockRecord]) -> JsonValue:
        return final_output(self._graph, records)

    def _inside(self, container_id: str, scope: RunScope, context: Context) -> _Inside:
        graph = self._graph.inside(container_id)
        return _Inside(_Level(graph, graph.reached, self._trace), scope, context)


@dataclass(frozen=True)
class _Inside:
    """What a container sees of the level inside it."""

    level: _Level
    around: RunScope
    context: Context

    def scope(self) -> RunScope:
        return self.around.inner()

    async def run(self, index: int, scope: RunScope) -> JsonValue:
        """Run an iteration; it is named by its index after those of the containers around."""
        outer = self.context.iteration
        iteration = str(index) if outer is None else f"{outer}.{index}"
        context = replace(self.context, iteration=iteration, scope=scope)
        try:
            return self.level.output(await self.level.run(scope, context))
        except BlockFailed as failed:
            raise IterationFailed(index, failed) from failed
