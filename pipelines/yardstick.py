"""Raw Haystack on a chain of components that do nothing: what the engine is measured against."""

from __future__ import annotations

from time import perf_counter
from typing import Any


async def raw_runs_per_second(blocks: int, seconds: float = 2.0) -> float:
    """Return how often a compiled chain of ``blocks`` no-ops runs in a second, in memory."""
    from haystack import Pipeline, component

    @component
    class NoOp:
        @component.output_types(value=dict[str, Any])
        def run(self, value: dict[str, Any]) -> dict[str, Any]:
            return {"value": value}

        @component.output_types(value=dict[str, Any])
        async def run_async(self, value: dict[str, Any]) -> dict[str, Any]:
            return {"value": value}

    pipeline = Pipeline()
    for number in range(blocks):
        pipeline.add_component(f"b{number}", NoOp())
        if number:
            pipeline.connect(f"b{number - 1}.value", f"b{number}.value")
    await pipeline.run_async({"b0": {"value": {}}})  # the first loads what Haystack loads late
    runs, started = 0, perf_counter()
    while perf_counter() - started < seconds:
        await pipeline.run_async({"b0": {"value": {}}})
        runs += 1
    return runs / (perf_counter() - started)
