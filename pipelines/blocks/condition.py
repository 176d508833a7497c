"""``condition``: takes the branch of the first expression that is true, else ``condition-else``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from haystack import component
from typing_extensions import override

from core.errors import ValidationFailed
from pipelines.blocks.base import BlockSettings, Context, Output, Values
from pipelines.blocks.component import BlockComponent
from pipelines.expressions import evaluate_aside, parse, truth

ELSE = "else"


class Case(BlockSettings):
    """One branch; titled (or called) ``else`` it needs no expression and is always true."""

    id: str
    title: str = ""
    value: str = ""

    @property
    def handle(self) -> str:
        return f"condition-{self.id}"

    @property
    def is_else(self) -> bool:
        return ELSE in (self.id.lower(), self.title.strip().lower())


class ConditionSettings(BlockSettings):
    conditions: list[Case]


@component
class Condition(BlockComponent[ConditionSettings]):
    type_name = "condition"
    title = "Condition"
    description = "Takes the branch of the first condition that is true."
    outputs: ClassVar = {"conditionResult": "boolean", "selectedPath": "object"}
    raw = frozenset({"conditions"})
    settings = ConditionSettings

    @override
    async def execute(self, context: Context, settings: ConditionSettings) -> Output:
        for case in settings.conditions:
            if case.is_else:
                return _taken(case.id, case.title, case.handle, result=False)
            if truth(await evaluate_aside(case.value, context.scope, context.workspace_id)):
                return _taken(case.id, case.title, case.handle, result=True)
        return _taken(ELSE, ELSE, f"condition-{ELSE}", result=False)

    @classmethod
    @override
    def branches(cls, values: Values) -> frozenset[str]:
        return frozenset({case.handle for case in cls._cases(values)} | {f"condition-{ELSE}"})

    @classmethod
    @override
    def chosen(cls, output: Output) -> frozenset[str]:
        path = output["selectedPath"]
        handle = path["handle"] if isinstance(path, dict) else f"condition-{ELSE}"
        return frozenset({str(handle)})

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        return list(cls._expression_problems(values))

    @classmethod
    def _expression_problems(cls, values: Values) -> Iterator[tuple[str, str]]:
        cases = cls._cases(values)
        if len({case.id for case in cases}) < len(cases):
            yield "conditions", "two conditions have the same id"
        for case in cases:
            try:
                case.is_else or parse(case.value)
            except ValidationFailed as error:
                yield "conditions", f"condition {case.title or case.id}: {error.message}"

    @classmethod
    def _cases(cls, values: Values) -> list[Case]:
        conditions = cls.read(values).get("conditions")
        items = conditions if isinstance(conditions, list) else []
        return [
            Case.model_construct(
                id=str(i["id"]), title=str(i.get("title") or ""), value=str(i.get("value") or "")
            )
            for i in items
            if isinstance(i, dict) and "id" in i
        ]


def _taken(case_id: str, title: str, handle: str, *, result: bool) -> Output:
    path: Output = {"id": case_id, "title": title, "handle": handle}
    return {"conditionResult": result, "selectedPath": path}
