"""Runs the blocks of a workflow as their edges say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from pipelines.blocks.base import Context
from pipelines.blocks.level_execution import LevelExecution, run_pipeline
from pipelines.compile import compile_level
from pipelines.graph import Graph
from pipelines.outcome import final_output, is_response, select
from pipelines.scope import RunScope
from pipelines.trace import Trace


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
    ids = graph.part(extent.start_block_id, extent.stop_after_block_id)
    level = LevelExecution(context, scope, trace)
    await run_pipeline(compile_level(graph, ids), level, {})
    records, chosen = level.records, extent.selected_outputs
    output = select(graph, records, chosen) if chosen else final_output(graph.descendants, records)
    cost = sum(trace.costs) if trace.costs else None
    return LevelResult(output, trace.masked(output), is_response(records), trace.usage, cost)
