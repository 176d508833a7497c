"""Guardrails: what each check lets pass, what it says, and what it costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import ValidationFailed
from core.models.messages import TextDelta
from pipelines.blocks.component import BlockFailed
from tests.pipelines.blocks.conftest import ScriptedModel
from tests.pipelines.shapes import block, definition, play

SOURCE = "The slipway is closed on Mondays. Repairs took 14 weeks in 2023."


async def _checked(text: str, *checks: Any, **settings: Any) -> dict[str, Any]:
    guard = block("g", "guardrails", content="<start.text>", checks=list(checks), **settings)
    output = (await play(definition([guard], "s>g"), {"text": text})).outputs["g"]
    assert isinstance(output, dict)
    return output


@pytest.mark.parametrize(
    ("text", "check", "passes"),
    [
        ('{"a": 1}', "json", True),
        ("{'a': 1}", "json", False),
        ('{"a": 1}', {"type": "json", "schema": {"required": ["b"]}}, False),
        ("order 4711", {"type": "regex", "pattern": r"\d{4}"}, True),
        ("order", {"type": "regex", "pattern": r"\d{4}"}, False),
        ("damn", {"type": "regex", "pattern": "(?i)DAMN", "mustMatch": False}, False),
        ("four", {"type": "length", "min": 4, "max": 4}, True),
        ("four", {"type": "length", "max": 3}, False),
        ("The slipway is closed on Mondays.", {"type": "grounded", "sources": [SOURCE]}, True),
        ("Repairs took 99 weeks in 2021.", {"type": "grounded", "sources": SOURCE}, False),
        ("Nothing personal, 1,234,567 ships in 2023.", "pii", True),
        ("write to ada@example.org", "pii", False),
        ("card 4111 1111 1111 1111", "pii", False),
        ("no card 4111 1111 1111 1112", {"type": "pii", "kinds": ["card"]}, True),
        ("DE89 3704 0044 0532 0130 00 please", {"type": "pii", "kinds": ["iban"]}, False),
        ("DE88 3704 0044 0532 0130 00 please", {"type": "pii", "kinds": ["iban"]}, True),
        ("078-05-1120", {"type": "pii", "kinds": ["ssn"]}, False),
        ("from 192.168.0.1", {"type": "pii", "kinds": ["ip"]}, False),
        ("version 1.2.3.999", {"type": "pii", "kinds": ["ip"]}, True),
        ("call +49 30 901820", {"type": "pii", "kinds": ["phone"]}, False),
    ],
)
async def test_a_check(text: str, check: Any, passes: bool) -> None:
    output = await _checked(text, check)
    assert output["passed"] is passes
    assert (output["reasons"] == []) is passes
    assert output["checks"][0]["reason"].strip()


async def test_all_checks_are_told_and_personal_data_is_taken_out() -> None:
    output = await _checked("Ada <ada@example.org>, 10.0.0.1", "pii", "json", {"type": "length"})
    assert [check["passed"] for check in output["checks"]] == [False, False, True]
    assert len(output["reasons"]) == 2
    assert output["redacted"] == "Ada <[email]>, [ip]"


async def test_a_pattern_that_would_take_forever_is_ended() -> None:
    with pytest.raises(BlockFailed, match="takes longer than 1 s"):
        await _checked("a" * 40 + "!", {"type": "regex", "pattern": "(a|a)+$(?<=b)|(a+)+b"})


async def test_a_schema_that_refers_elsewhere_is_not_fetched() -> None:
    check = {"type": "json", "schema": {"$ref": "http://127.0.0.1:9/schema"}}
    with pytest.raises(BlockFailed, match=r"which is not in it"):
        await _checked("{}", check)


async def test_a_model_judges_by_a_rule(model: ScriptedModel) -> None:
    said = {"passed": False, "reason": "It is rude."}
    model.rounds = [[TextDelta(json.dumps(said))]]
    output = await _checked("You fool", {"type": "model", "rule": "Be polite."}, model="some/model")
    assert (output["passed"], output["reasons"]) == (False, ["It is rude."])
    assert (output["tokens"]["total"], output["cost"]) == (15, 0.25)
    assert "The rule: Be polite." in str(model.asked[0].messages[0]["content"])


async def test_only_a_plain_yes_of_a_model_passes(model: ScriptedModel) -> None:
    model.rounds = [[TextDelta('{"passed": "true"}')]]
    assert not (await _checked("x", {"type": "model", "rule": "r"}, model="some/m"))["passed"]


async def test_the_offline_answerer_says_that_it_cannot_judge() -> None:
    with pytest.raises(BlockFailed, match="choose a model"):
        await _checked("x", {"type": "model", "rule": "Be polite."})


@pytest.mark.parametrize("check", ["grammar", {"type": "regex", "pattern": "("}, {"type": "regex"}])
def test_what_is_no_check(check: Any) -> None:
    from pipelines.validity import require_valid
    from pipelines.workflow import parse

    raw = definition([block("g", "guardrails", content="x", checks=[check])], "s>g")
    with pytest.raises(ValidationFailed, match=r'Block "g".*checks'):
        require_valid(parse(raw), runnable=True)
