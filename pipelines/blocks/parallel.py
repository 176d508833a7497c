"""``parallel``: runs the blocks inside it for several items side by side."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Literal

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Held, Output, Values
from pipelines.blocks.container import Body, ContainerComponent
from pipelines.blocks.items import MAX_ITERATIONS, Items

DEFAULT_AT_ONCE = 20
MAX_AT_ONCE = 100
_NEEDED = {"count": "count", "collection": "distribution"}


class ParallelSettings(BlockSettings):
    """They stand in the workflow's ``parallels``, under the block's id."""

    parallel_type: Literal["count", "collection"] = "count"
    count: int | None = Field(None, ge=0, le=MAX_ITERATIONS)
    distribution: Items | None = Field(None, description="A list, or an object.")
    batch_size: int = Field(
        DEFAULT_AT_ONCE, ge=1, le=MAX_AT_ONCE, description="Most iterations at a time."
    )


@component
class Parallel(ContainerComponent[ParallelSettings]):
    """Blocks inside see ``<parallel.index>``, ``<parallel.currentItem>`` and ``<parallel.items>``,
    and nothing of the other iterations; variables are the run's and shared."""

    type_name = "parallel"
    title = "Parallel"
    description = "Runs the blocks inside it for several items, or several times, side by side."
    outputs: ClassVar = {"results": "array", "count": "number"}
    settings = ParallelSettings

    @classmethod
    @override
    def branches(cls, values: Values) -> frozenset[str]:
        return frozenset({"source", "parallel-start-source", "parallel-end-source"})

    @classmethod
    @override
    def chosen(cls, output: Output) -> frozenset[str]:
        return frozenset({"source", "parallel-end-source"})

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        needed = _NEEDED.get(str(values.get("parallelType", "count")))
        is_missing = needed is not None and needed not in values
        return [(str(needed), f"the setting {needed} is missing")] if is_missing else []

    @override
    async def iterate(self, body: Body, settings: ParallelSettings) -> Output:
        items: list[JsonValue] = list(settings.distribution or [])
        if settings.parallel_type == "count":
            items = list(range(settings.count or 0))
        results = await _all(body, items, settings.batch_size)
        return {"results": results, "count": len(results)}


async def _all(body: Body, items: list[JsonValue], at_once: int) -> list[JsonValue]:
    """Run an iteration an item and return their outputs in the items' order.

    The first that fails ends the others; one that pauses lets the others come to their ends.
    """
    room = asyncio.Semaphore(at_once)

    async def run(index: int) -> JsonValue | Held:
        async with room:
            binding = {"index": index, "currentItem": items[index], "items": items}
            try:
                return (await body.run(index, binding))[0]
            except Held as held:
                return held

    tasks = [asyncio.ensure_future(run(index)) for index in range(len(items))]
    try:
        results = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    done: list[JsonValue] = []
    for result in results:
        if isinstance(result, Held):
            raise result
        done.append(result)
    return done
