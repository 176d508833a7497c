"""Times and numbers in queries and bodies that are none, or too large: found by generated calls."""

from __future__ import annotations

import pytest

from api.reading import refuse_unstorable
from core.errors import ValidationFailed
from tests.api.conftest import Member


@pytest.mark.parametrize("value", ["0.5", "5", "-1", "2030-01-31T00:00:00", "now"])
async def test_a_time_is_written_with_its_zone_and_is_no_number(member: Member, value: str) -> None:
    usage = f"/api/workspaces/{member.workspace_id}/usage"
    audit = f"/api/workspaces/{member.workspace_id}/audit"
    for path, name in (("/api/logs", "until"), (usage, "to"), (audit, "from")):
        answer = await member.browser.get(path, params={name: value})
        assert answer.status_code == 400, path
        (issue,) = answer.json()["error"]["details"]["issues"]
        assert issue["path"] == name


@pytest.mark.parametrize("value", [5, 4e9, "4000000000", "2100-01-31T00:00:00"])
async def test_a_time_in_a_body_is_no_number_either(member: Member, value: object) -> None:
    key = {"name": "program", "expiresAt": value}
    answer = await member.browser.post("/api/auth/api-keys", json=key)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["minDuration", "maxDuration"])
async def test_a_long_duration_is_a_bound_like_others(member: Member, name: str) -> None:
    answer = await member.program.get("/api/logs", params={name: 8_030_486_946})
    assert answer.status_code == 200, answer.text
    answer = await member.program.get("/api/logs", params={name: 10**400})
    assert answer.status_code == 400


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity"])
async def test_a_cost_is_a_number(member: Member, value: str) -> None:
    assert (await member.program.get("/api/logs", params={"maxCost": value})).status_code == 400


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_statistics_of_before_all_times_are_empty_or_refused(
    member: Member, until: str
) -> None:
    answer = await member.program.get("/api/logs/stats", params={"until": until})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("value", [0, 1, "true", "no"])
async def test_yes_or_no_in_a_body_is_no_number_and_no_word(member: Member, value: object) -> None:
    agent = {"name": "Helper", "public": value}
    assert (await member.program.post("/api/copilot/agents", json=agent)).status_code == 400
    made = await member.program.post("/api/copilot/agents", json={"name": "Helper"})
    path = f"/api/copilot/agents/{made.json()['id']}"
    assert (await member.program.patch(path, json={"public": value})).status_code == 400


@pytest.mark.parametrize("number", ["1e999", "-1E+400", "9" * 400 + ".0"])
async def test_a_number_beyond_all_floats_is_refused(member: Member, number: str) -> None:
    made = await member.program.post("/api/knowledge", json={"name": "Numbers"})
    answer = await member.program.post(
        f"/api/knowledge/{made.json()['id']}/documents",
        content=f'{{"text": "Some text.", "metadata": {{"size": [{number}]}}}}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400, answer.text


def test_a_sockets_number_is_finite_and_its_words_may_say_otherwise() -> None:
    refuse_unstorable({"text": "Infinity", "words": ["NaN", {"Infinity": 1.5}]})
    with pytest.raises(ValidationFailed):
        refuse_unstorable({"value": [{"deep": float("-inf")}]})
