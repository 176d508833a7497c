"""What a finished run answers, read from how its blocks ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from pipelines.graph import Graph
from pipelines.references import dig
from pipelines.trace import BlockRecord
from pipelines.workflow import Block, normalised

RESPONSE = "response"


def final_output(
    descendants: Callable[[str], set[str]], records: Mapping[str, BlockRecord]
) -> JsonValue:
    """Return a run's output; ``descendants`` are of a block's id, itself included.

    The first ``response`` block's output; else the output of the last block, one after which none
    ran; where several branches end, an object with each one's output by the block's name.
    """
    done = sorted(records.values(), key=lambda record: record.execution_order)
    response = next((record for record in done if _is_response(record)), None)
    if response is not None:
        return response.output
    last = [
        record
        for record in done
        if not (descendants(record.block_id) - {record.block_id}) & records.keys()
    ]
    if len(last) == 1:
        return last[0].output
    return {record.block_name: record.output for record in last}


def is_response(records: Mapping[str, BlockRecord]) -> bool:
    """Whether the run's output was set by a ``response`` block."""
    return any(_is_response(record) for record in records.values())


def select(graph: Graph, records: Mapping[str, BlockRecord], paths: Sequence[str]) -> JsonValue:
    """Return the outputs asked for, each ``block.path`` (a block's name or id) by its own text."""
    by_name: dict[str, Block] = {block.key: block for block in graph.blocks.values()}
    chosen: dict[str, JsonValue] = {}
    for path in paths:
        name, *rest = path.split(".")
        block = graph.blocks.get(name) or by_name.get(normalised(name))
        record = records.get(block.id) if block else None
        chosen[path] = dig(record.output, tuple(rest)) if record else None
    return chosen


def _is_response(record: BlockRecord) -> bool:
    return record.block_type == RESPONSE and record.status == "success"
