"""``loop``: runs the blocks inside it again and again, one iteration after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar, Literal

from pydantic import Field, JsonValue
from typing_extensions import override

from core.errors import ValidationFailed
from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output, Values
from pipelines.blocks.items import MAX_ITERATIONS, Items, the_inside
from pipelines.expressions import evaluate_aside, parse, truth
from pipelines.scope import RunScope

MAX_WHILE = 1_000
_NEEDED = {"forEach": "forEachItems", "while": "whileCondition", "for": "iterations"}


class LoopSettings(BlockSettings):
    """They stand in the workflow's ``loops``, under the block's id."""

    loop_type: Literal["for", "forEach", "while"] = "for"
    iterations: int | None = Field(
        None, ge=0, le=MAX_ITERATIONS, description="How often; of a while loop: at most."
    )
    for_each_items: Items | None = Field(None, description="A list, or an object.")
    while_condition: str = Field("", description="Looked at before each iteration.")


class Loop(BlockKind[LoopSettings]):
    """Blocks inside see ``<loop.index>``, ``<loop.currentItem>`` and ``<loop.items>``, and of each
    other what the iteration before left, until they have run."""

    type_name = "loop"
    title = "Loop"
    description = (
        "Runs the blocks inside it one iteration after the other: so many times, for each item, or "
        "while a condition holds."
    )
    outputs: ClassVar = {"results": "array", "count": "number"}
    raw = frozenset({"whileCondition"})
    is_container = True
    is_heavy = True
    settings = LoopSettings

    @override
    def branches(self, values: Values) -> frozenset[str]:
        return frozenset({"source", "loop-start-source", "loop-end-source"})

    @override
    def chosen(self, output: Output) -> frozenset[str]:
        return frozenset({"source", "loop-end-source"})

    @override
    def problems(self, values: Values) -> list[tuple[str, str]]:
        found, needed = super().problems(values), _NEEDED.get(str(values.get("loopType", "for")))
        if needed and needed not in values:
            found.append((needed, f"the setting {needed} is missing"))
        if needed == "whileCondition" and needed in values:
            try:
                parse(str(values[needed]))
            except ValidationFailed as error:
                found.append((needed, error.message))
        return found

    @override
    async def run(self, context: Context, settings: LoopSettings) -> Output:
        inside = the_inside(context)
        scope = inside.scope()
        results: list[JsonValue] = []
        async for index in _iterations(settings, scope, context.workspace_id):
            results.append(await inside.run(index, scope))
        return {"results": results, "count": len(results)}


async def _iterations(
    settings: LoopSettings, scope: RunScope, workspace_id: str
) -> AsyncIterator[int]:
    """Yield the number of each iteration once ``loop`` is bound for it."""
    if settings.loop_type == "while":
        async for index in _while(settings, scope, workspace_id):
            yield index
        return
    given = settings.for_each_items
    items: list[JsonValue] = list(given or []) if settings.loop_type == "forEach" else []
    count = len(items) if settings.loop_type == "forEach" else settings.iterations or 0
    for index in range(count):
        item = items[index] if items else index
        scope.bindings["loop"] = {"index": index, "currentItem": item, "items": items}
        yield index


async def _while(settings: LoopSettings, scope: RunScope, workspace_id: str) -> AsyncIterator[int]:
    most = MAX_WHILE if settings.iterations is None else settings.iterations
    for index in range(most):
        scope.bindings["loop"] = {"index": index, "currentItem": index, "items": []}
        if not truth(await evaluate_aside(settings.while_condition, scope, workspace_id)):
            return
        yield index
    if settings.iterations is None:
        raise ValidationFailed(
            f"The condition still held after {MAX_WHILE} iterations; correct it, or say in "
            "iterations how many there may be."
        )
