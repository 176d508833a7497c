"""The evaluator: scores by a model, by a rule, and what is no score."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import ValidationFailed
from core.models.messages import TextDelta
from pipelines.blocks.component import BlockFailed
from tests.pipelines.blocks.conftest import ScriptedModel
from tests.pipelines.shapes import block, definition, play

CLEAR = {"name": "clarity", "description": "Is <start.what> clear?", "range": {"min": 1, "max": 5}}
LONG = {"name": "long", "expression": "length(<start.text>) > 10", "range": {"min": 0, "max": 1}}


def _evaluated(*metrics: dict[str, Any], **settings: Any) -> dict[str, Any]:
    evaluator = block("e", "evaluator", content="<start.text>", metrics=list(metrics), **settings)
    return definition([evaluator], "s>e")


async def test_a_model_scores_and_a_rule_computes(model: ScriptedModel) -> None:
    model.rounds = [[TextDelta(json.dumps({"clarity": 4, "reason": "Short words."}))]]
    raw = _evaluated(CLEAR, LONG, model="some/model")
    played = await play(raw, {"text": "A text that is long.", "what": "the tone"})
    output = played.outputs["e"]
    assert isinstance(output, dict)
    assert (output["clarity"], output["long"], output["reason"]) == (4, 1, "Short words.")
    assert output["tokens"] == {"input": 10, "output": 5, "total": 15}
    assert "- clarity (1 to 5): Is the tone clear?" in str(model.asked[0].messages[0]["content"])


async def test_rules_alone_ask_no_model(model: ScriptedModel) -> None:
    score = {"name": "words", "expression": "length(<start.text>) * 1000"}
    played = await play(_evaluated(LONG, score), {"text": "short"})
    assert played.outputs["e"] == {
        "long": 0,
        "words": 10,  # held within the range
        "reason": "Computed: long = 0; words = 10.",
    }
    assert model.asked == []


@pytest.mark.parametrize("score", ["6", '"good"', "true", "null"])
async def test_what_is_no_score_fails_the_block(model: ScriptedModel, score: str) -> None:
    model.rounds = [[TextDelta(f'{{"clarity": {score}, "reason": ""}}')]]
    with pytest.raises(BlockFailed, match="no number within the range"):
        await play(_evaluated(CLEAR, model="some/model"), {"text": "x", "what": "it"})


async def test_the_offline_answerer_says_that_it_cannot_score() -> None:
    with pytest.raises(BlockFailed, match="choose a model"):
        await play(_evaluated(CLEAR), {"text": "x", "what": "it"})


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([], "metrics"),
        ([CLEAR, CLEAR], "two metrics have the same name"),
        ([{"name": "reason"}], "rename the metric"),
        ([{"name": "x", "range": {"min": 3, "max": 3}}], "the range of x is empty"),
        ([{"name": "x", "expression": "1 +"}], "metric x"),
    ],
)
def test_what_an_evaluator_needs(metrics: list[dict[str, Any]], said: str) -> None:
    from pipelines.validity import require_valid
    from pipelines.workflow import parse

    with pytest.raises(ValidationFailed, match=f'Block "e".*{said}'):
        require_valid(parse(_evaluated(*metrics)), runnable=True)
