"""``evaluator``: scores a text, metric by metric, by a model or by a rule."""

from __future__ import annotations

from typing import ClassVar, Self

from haystack import component
from pydantic import Field, JsonValue, model_validator
from typing_extensions import override

from core.config import OFFLINE_CHAT_MODEL
from core.errors import UpstreamError, ValidationFailed
from core.models import chat
from pipelines.blocks.base import BlockSettings, Context, Output, Text, Values
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.judging import judge
from pipelines.expressions import evaluate_aside, parse
from pipelines.references import as_text, resolve

_TAKEN = frozenset({"reason", "model", "tokens", "cost", "error"})
_INSTRUCTIONS = "Score the material by each metric, within its range, and give the reason."


class Range(BlockSettings):
    min: float = 0
    max: float = 10


class Metric(BlockSettings):
    """One score. With ``expression``, which sees what conditions see, no model is asked."""

    name: str = Field(min_length=1, max_length=100)
    description: str = ""
    range: Range = Field(default_factory=Range)
    expression: str | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.name in _TAKEN:
            raise ValueError(f"{self.name} is an output of every evaluator; rename the metric")
        if self.range.min >= self.range.max:
            raise ValueError(f"the range of {self.name} is empty; make min less than max")
        return self


class EvaluatorSettings(BlockSettings):
    content: Text = Field(description="The text to score.")
    metrics: list[Metric] = Field(min_length=1, max_length=50)
    model: Text = Field("", description="A litellm model name; empty: the configured one.")


@component
class Evaluator(BlockComponent[EvaluatorSettings]):
    type_name = "evaluator"
    title = "Evaluator"
    description = (
        "Scores a text by metrics: a model judges those that are described, an expression "
        "computes the others. A truth counts as the range's end, false as its beginning."
    )
    outputs: ClassVar = {"reason": "string"}
    open_outputs = True
    raw = frozenset({"metrics"})
    settings = EvaluatorSettings

    @override
    async def execute(self, context: Context, settings: EvaluatorSettings) -> Output:
        ruled = {m.name: await _computed(m, context) for m in settings.metrics if m.expression}
        judged = [metric for metric in settings.metrics if not metric.expression]
        if not judged:
            reason = "; ".join(f"{name} = {score:g}" for name, score in ruled.items())
            return {**ruled, "reason": f"Computed: {reason}."}
        return {**ruled, **await _judged(context, settings, judged)}

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        try:
            metrics = cls.fit({"content": "", **cls.read(values)}).metrics
        except ValidationFailed:
            return []  # its type says so already
        names = [metric.name for metric in metrics]
        found = ["two metrics have the same name"] if len(set(names)) < len(names) else []
        for metric in metrics:
            try:
                parse(metric.expression or "0")
            except ValidationFailed as error:
                found.append(f"metric {metric.name}: {error.message}")
        return [("metrics", sentence) for sentence in found]


async def _computed(metric: Metric, context: Context) -> float:
    value = await evaluate_aside(metric.expression or "", context.scope, context.workspace_id)
    if isinstance(value, bool):
        return metric.range.max if value else metric.range.min
    if not isinstance(value, int | float):
        raise ValidationFailed(
            f"The expression of metric {metric.name} must give a number or a truth; correct it."
        )
    return min(max(float(value), metric.range.min), metric.range.max)


async def _judged(
    context: Context, settings: EvaluatorSettings, metrics: list[Metric]
) -> dict[str, JsonValue]:
    if (settings.model or chat.configured_model()) == OFFLINE_CHAT_MODEL:
        raise ValidationFailed(
            "The offline answerer cannot score; choose a model, or give each metric an expression."
        )
    listed = "\n".join(f"- {_told(metric, context)}" for metric in metrics)
    scores: dict[str, JsonValue] = {
        m.name: {"type": "number", "minimum": m.range.min, "maximum": m.range.max} for m in metrics
    }
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {**scores, "reason": {"type": "string"}},
        "required": [*scores, "reason"],
        "additionalProperties": False,
    }
    instructions = f"{_INSTRUCTIONS}\nMetrics:\n{listed}"
    fields, spent = await judge(context, settings.model, instructions, settings.content, schema)
    found: Output = {metric.name: _score(metric, fields, spent) for metric in metrics}
    return {**found, "reason": str(fields.get("reason") or ""), **spent}


def _told(metric: Metric, context: Context) -> str:
    about = as_text(resolve(metric.description, context.scope))
    return f"{metric.name} ({metric.range.min:g} to {metric.range.max:g}): {about}"


def _score(metric: Metric, fields: Output, spent: Output) -> float:
    score = fields.get(metric.name)
    fits = isinstance(score, int | float) and not isinstance(score, bool)
    if not fits or not metric.range.min <= float(str(score)) <= metric.range.max:
        raise UpstreamError(
            f"The model {spent['model']} gave {str(score)[:40]!r} for {metric.name}, which is no "
            "number within the range; try again or use another model."
        )
    return float(str(score))
