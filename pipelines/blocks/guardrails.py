"""``guardrails``: checks a text by rules, against sources, or by a model."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, ClassVar

from haystack import component
from pydantic import BeforeValidator, Field, JsonValue
from typing_extensions import override

from pipelines import personal_data
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.guards import Check, Pii, Verdict, verdict


def _spelled(given: Any) -> Any:
    return {"type": given} if isinstance(given, str) else given


class GuardrailsSettings(BlockSettings):
    content: Text = Field(description="The text to check.")
    checks: list[Annotated[Check, BeforeValidator(_spelled)]] = Field(min_length=1, max_length=50)
    model: Text = Field("", description="A litellm model name for checks by a model.")


@component
class Guardrails(BlockComponent[GuardrailsSettings]):
    """What does not pass does not fail the block: a condition on ``passed`` chooses the way."""

    type_name = "guardrails"
    title = "Guardrails"
    description = "Checks a text: JSON, patterns, length, personal data, sources, a model's view."
    outputs: ClassVar = {
        "passed": "boolean",
        "reasons": "array",
        "checks": "array",
        "redacted": "string",
        "model": "string",
        "tokens": "object",
        "cost": "number",
    }
    settings = GuardrailsSettings

    @override
    async def execute(self, context: Context, settings: GuardrailsSettings) -> Output:
        found = [
            (check.type, await verdict(context, check, settings.content, settings.model))
            for check in settings.checks
        ]
        checks: list[JsonValue] = [
            {"type": kind, "passed": v.passed, "reason": v.reason} for kind, v in found
        ]
        reasons: list[JsonValue] = [v.reason for _, v in found if not v.passed]
        output: Output = {"passed": not reasons, "reasons": reasons, "checks": checks}
        return output | await asyncio.to_thread(_redacted, settings) | _spent([v for _, v in found])


def _redacted(settings: GuardrailsSettings) -> Output:
    """Return the text without the personal data that was looked for."""
    kinds = tuple(
        kind for check in settings.checks if isinstance(check, Pii) for kind in check.kinds
    )
    if not kinds:
        return {}
    text = settings.content
    return {"redacted": personal_data.redact(text, personal_data.find(text, kinds))}


def _spent(verdicts: list[Verdict]) -> Output:
    """Return model, tokens and cost of all checks by a model together; no cost if one's is
    unknown."""
    spent = [v.spent for v in verdicts if v.spent]
    if not spent:
        return {}
    total: dict[str, int] = {}
    for each in spent:
        tokens = each["tokens"]
        for name, count in tokens.items() if isinstance(tokens, dict) else ():
            total[name] = total.get(name, 0) + int(str(count))
    costs = [each["cost"] for each in spent]
    known = [float(cost) for cost in costs if isinstance(cost, int | float)]
    return {
        "model": spent[-1]["model"],
        "tokens": dict(total),
        "cost": sum(known) if len(known) == len(costs) else None,
    }
