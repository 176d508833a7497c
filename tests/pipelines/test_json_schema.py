"""Schemas of others: what fits, what is refused, and what must never happen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.json_schema import SchemaUnusable, misfit
from tests.stand_in import standing_in

SLOW = "^(a|a)+$(?<=b)|(a+)+b"
WORD = "a" * 40 + "!"


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"type": "integer"}, 1, True),
        ({"type": "integer"}, "1", False),
        ({"pattern": "^a"}, "ba", False),
        ({"pattern": "^a"}, 5, True),
        ({"patternProperties": {"^n": {"type": "number"}}}, {"n1": 1, "x": "y"}, True),
        ({"patternProperties": {"^n": {"type": "number"}}}, {"n1": "1"}, False),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, True),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 1}, False),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, False),
        ({"patternProperties": {"^b": {}}, "additionalProperties": False}, {"b": 1}, True),
        ({"patternProperties": {"^b": {}}, "additionalProperties": False}, {"a": 1}, False),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 3}}}, 3, True),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 3}}}, 4, False),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"const": 1}]},
            [2],
            False,
        ),
    ],
)
def test_fits(schema: dict[str, Any], value: Any, fits: bool) -> None:
    assert (misfit(schema, value) is None) is fits


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"type": "nonsense"}, 1, "no JSON Schema"),
        ({"$ref": "#/$defs/x"}, 1, "refers to"),
        ({"$ref": "#"}, 1, "without end"),
        ({"pattern": "("}, "a", "no JSON Schema"),
        ({"patternProperties": {}, "unevaluatedProperties": False}, {}, "leave one away"),
    ],
)
def test_cannot_be_used(schema: dict[str, Any], value: Any, why: str) -> None:
    with pytest.raises(SchemaUnusable, match=why):
        misfit(schema, value)


TWICE = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(60)}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": SLOW}, WORD),
        ({"patternProperties": {SLOW: {}}}, {WORD: 1}),
        ({"patternProperties": {SLOW: {}}, "additionalProperties": False}, {WORD: 1}),
        ({"$ref": "#/$defs/d0", "$defs": {**TWICE, "d60": {}}}, 1),
    ],
)
def test_what_would_take_for_ever_is_ended(
    schema: dict[str, Any], value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.json_schema.SECONDS", 0.1)
    with pytest.raises(SchemaUnusable, match="takes longer than"):
        misfit(schema, value)


async def test_nothing_is_fetched() -> None:
    async with standing_in() as elsewhere:
        with pytest.raises(SchemaUnusable, match="which is not in it"):
            await asyncio.to_thread(misfit, {"$ref": f"{elsewhere.url}/schema"}, 1)
        assert elsewhere.asked == []
