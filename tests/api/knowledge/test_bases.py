"""Knowledge bases."""

from __future__ import annotations

import pytest

from tests.api.conftest import Member


async def test_a_base_is_made_read_renamed_listed_and_deleted(member: Member) -> None:
    new = {"name": "Handbook", "language": "de", "chunking": {"maxTokens": 120}}
    made = await member.program.post("/api/knowledge", json=new)
    assert made.status_code == 201, made.text
    base = made.json()
    assert (base["workspaceId"], base["language"]) == (member.workspace_id, "de")
    assert (base["documentCount"], base["chunkCount"], base["tokenCount"]) == (0, 0, 0)
    assert (base["embeddingModel"], base["embeddingDimensions"]) == ("all-MiniLM-L6-v2", 384)
    assert base["chunking"]["maxTokens"] == 120
    path = f"/api/knowledge/{base['id']}"
    assert (await member.program.get(path)).json() == base
    renamed = await member.program.patch(path, json={"name": "Manual"})
    assert (renamed.json()["name"], renamed.json()["language"]) == ("Manual", "de")
    assert renamed.json()["updatedAt"] > base["updatedAt"]
    assert (await member.program.get("/api/knowledge")).json()["data"] == [renamed.json()]
    assert (await member.program.delete(path)).status_code == 204
    assert (await member.program.get(path)).status_code == 404


async def test_null_clears_and_absent_stays(member: Member) -> None:
    new = {"name": "Handbook", "description": "All about boats"}
    path = f"/api/knowledge/{(await member.program.post('/api/knowledge', json=new)).json()['id']}"
    kept = (await member.program.patch(path, json={"name": "Boats"})).json()
    assert kept["description"] == "All about boats"
    cleared = (await member.program.patch(path, json={"description": None})).json()
    assert (cleared["name"], cleared["description"]) == ("Boats", None)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "language": "klingon"}, "language"),
        ({"name": "x", "embeddingModel": "/etc"}, "embeddingModel"),
        ({"name": "x", "chunking": {"maxTokens": 5000}}, "chunking.maxTokens"),
        (
            {"name": "x", "chunking": {"maxTokens": 64, "overlapTokens": 33}},
            "chunking.overlapTokens",
        ),
        ({"name": "x", "owner": "me"}, "owner"),
    ],
)
async def test_a_bad_base_says_what_is_wrong_and_makes_nothing(
    member: Member, body: dict[str, object], path: str
) -> None:
    answer = await member.program.post("/api/knowledge", json=body)
    assert answer.status_code == 400
    assert [issue["path"] for issue in answer.json()["error"]["details"]["issues"]] == [path]
    assert (await member.program.get("/api/knowledge")).json()["data"] == []
