"""Runs one level of a workflow from its first block to its last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from pipelines.blocks.base import Context
from pipelines.compile import compile_graph, run_pipeline
from pipelines.graph import Graph
from pipelines.outcome import final_output, is_response, select, total_usage
from pipelines.scope import RunScope
from pipelines.trace import Trace
from pipelines.turns import Turns
from pipelines.workflow import Definition


@dataclass(frozen=True)
class Extent:
    """Which part of a workflow runs and which outputs are wanted; by default all of it."""

    start_block_id: str | None = None
    stop_after_block_id: str | None = None
    selected_outputs: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class LevelResult:
    """What the level answers; ``shown_output`` has the secrets masked."""

    output: JsonValue
    shown_output: JsonValue
    is_response: bool
    usage: Mapping[str, int]
    cost: float | None


async def run_level(
    definition: Definition, extent: Extent, scope: RunScope, trace: Trace, context: Context
) -> LevelResult:
    """Run the blocks, replaying those that ``trace`` remembers.

    Raises ``BlockFailed`` when a block fails that nothing handles, and ``LeaseLost`` when the
    journal says that the run belongs to somebody else.
    """
    graph = Graph(definition)
    turns = Turns(graph, scope, trace, context)
    await turns.replay()
    ids = graph.part(extent.start_block_id, extent.stop_after_block_id)
    await run_pipeline(compile_graph(graph, ids), turns.take)
    chosen = extent.selected_outputs
    records = turns.records
    output = select(graph, records, chosen) if chosen else final_output(graph, records)
    usage, cost = total_usage(records)
    return LevelResult(output, trace.masked(output), is_response(records), usage, cost)
