"""``loop``: runs the blocks inside it again and again, one iteration after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from core.errors import ValidationFailed
from pipelines.blocks.base import BlockSettings, Output, Values
from pipelines.blocks.container import Body, ContainerComponent
from pipelines.blocks.items import MAX_ITERATIONS, Items
from pipelines.expressions import evaluate_aside, parse, truth

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


@component
class Loop(ContainerComponent[LoopSettings]):
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
    settings = LoopSettings

    @classmethod
    @override
    def branches(cls, values: Values) -> frozenset[str]:
        return frozenset({"source", "loop-start-source", "loop-end-source"})

    @classmethod
    @override
    def chosen(cls, output: Output) -> frozenset[str]:
        return frozenset({"source", "loop-end-source"})

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        needed = _NEEDED.get(str(values.get("loopType", "for")))
        if needed and needed not in values:
            return [(needed, f"the setting {needed} is missing")]
        if needed == "whileCondition":
            try:
                parse(str(values[needed]))
            except ValidationFailed as error:
                return [(needed, error.message)]
        return []

    @override
    async def iterate(self, body: Body, settings: LoopSettings) -> Output:
        results: list[JsonValue] = []
        left: Mapping[str, JsonValue] = {}
        for index, binding in _bindings(settings):
            if settings.loop_type == "while" and not await _holds(body, settings, binding, left):
                return _output(results)
            result, left = await body.run(index, binding, left)
            results.append(result)
        if settings.loop_type == "while" and settings.iterations is None:
            raise ValidationFailed(
                f"The condition still held after {MAX_WHILE} iterations; correct it, or say in "
                "iterations how many there may be."
            )
        return _output(results)


def _output(results: list[JsonValue]) -> Output:
    return {"results": results, "count": len(results)}


def _bindings(settings: LoopSettings) -> Iterator[tuple[int, Output]]:
    """Yield the number of each iteration, with what ``loop`` is bound to in it."""
    given = settings.for_each_items
    items: list[JsonValue] = list(given or []) if settings.loop_type == "forEach" else []
    count = len(items) if settings.loop_type == "forEach" else settings.iterations or 0
    if settings.loop_type == "while" and settings.iterations is None:
        count = MAX_WHILE
    for index in range(count):
        item = items[index] if items else index
        yield index, {"index": index, "currentItem": item, "items": items}


async def _holds(
    body: Body, settings: LoopSettings, binding: Output, left: Mapping[str, JsonValue]
) -> bool:
    scope = body.context.scope.bind("loop", binding).with_values({**body.values, **left})
    workspace_id = body.context.workspace_id
    return truth(await evaluate_aside(settings.while_condition, scope, workspace_id))
