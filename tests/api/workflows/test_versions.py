"""Versions over HTTP: taken, compared, brought back, deployed; and the exported file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition


def saying(text: str) -> dict[str, Any]:
    return definition([block("t", template=text)], "s>t")


@pytest.fixture
async def path(member: Member) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **saying("one")})
    return f"/api/workflows/{made.json()['id']}"


async def _text(member: Member, path: str) -> str:
    """What a key gets from the workflow."""
    answer = await member.program.post(f"{path}/execute", json={})
    found: str = answer.json()["output"]["text"]
    return found


async def test_taken_listed_and_shown(member: Member, path: str) -> None:
    first = await member.browser.post(f"{path}/versions", json={"name": "before the fair"})
    assert first.status_code == 201
    assert (first.json()["number"], first.json()["reason"]) == (1, "checkpoint")
    await member.browser.patch(path, json=saying("two"))
    await member.browser.post(f"{path}/deploy")
    page = (await member.program.get(f"{path}/versions?limit=1")).json()
    assert [row["number"] for row in page["data"]] == [2]
    assert (page["data"][0]["isDeployed"], page["data"][0]["reason"]) == (True, "deploy")
    rest = (await member.program.get(f"{path}/versions?cursor={page['nextCursor']}")).json()
    assert [row["name"] for row in rest["data"]] == ["before the fair"]
    shown = (await member.program.get(f"{path}/versions/1")).json()
    assert shown["blocks"]["t"]["subBlocks"]["template"]["value"] == "one"
    for number in ("0", "3", "x", "٣", "99999999999999999999"):
        assert (await member.program.get(f"{path}/versions/{number}")).status_code == 404


async def test_a_version_is_restored_and_the_draft_is_not_lost(member: Member, path: str) -> None:
    await member.browser.post(f"{path}/deploy")
    await member.browser.patch(path, json=saying("two"))
    restored = await member.browser.post(f"{path}/versions/1/restore")
    assert restored.status_code == 200
    assert restored.json()["blocks"]["t"]["subBlocks"]["template"]["value"] == "one"
    assert restored.json()["version"] == 3
    kept = (await member.browser.get(f"{path}/versions/2")).json()
    assert kept["reason"] == "restore"
    assert kept["blocks"]["t"]["subBlocks"]["template"]["value"] == "two"
    assert (await member.browser.post(f"{path}/versions/9/restore")).status_code == 404


async def test_an_older_version_is_deployed_and_the_draft_stays(member: Member, path: str) -> None:
    await member.browser.post(f"{path}/deploy")
    await member.browser.patch(path, json=saying("two"))
    await member.browser.post(f"{path}/deploy", json={})
    assert await _text(member, path) == "two"
    back = await member.browser.post(f"{path}/deploy", json={"version": 1})
    assert back.json()["deployedVersion"] == 1
    assert await _text(member, path) == "one"
    draft = (await member.browser.get(path)).json()
    assert draft["blocks"]["t"]["subBlocks"]["template"]["value"] == "two"
    wrong = await member.browser.post(f"{path}/deploy", json={"version": 7})
    assert wrong.status_code == 404
    assert (await member.browser.delete(f"{path}/deploy")).json()["isDeployed"] is False
    assert (await member.program.post(f"{path}/execute", json={})).status_code == 409


async def test_versions_are_compared(member: Member, path: str) -> None:
    await member.browser.post(f"{path}/versions", json={})
    assert (await member.browser.get(f"{path}/versions/1/diff")).json()["blocks"] == []
    changed = definition([block("t", template="two"), block("u", template="x")], "s>t t>u")
    changed["variables"] = {"v": {"id": "v", "name": "n", "value": 1}}
    await member.browser.patch(path, json=changed)
    await member.browser.post(f"{path}/versions", json={})
    for query in ("", "?against=2"):
        told = (await member.browser.get(f"{path}/versions/1/diff{query}")).json()
        assert [(change["id"], change["how"]) for change in told["blocks"]] == [
            ("t", "changed"),
            ("u", "added"),
        ]
        assert told["blocks"][0]["fields"] == [
            {"path": "subBlocks.template.value", "before": "one", "after": "two"}
        ]
        assert [change["how"] for change in told["edges"]] == ["added"]
        assert [change["name"] for change in told["variables"]] == ["n"]
    back = (await member.browser.get(f"{path}/versions/2/diff?against=1")).json()
    assert [change["how"] for change in back["blocks"]] == ["changed", "removed"]
    assert (await member.browser.get(f"{path}/versions/1/diff?against=9")).status_code == 404
    assert (await member.browser.get(f"{path}/versions/1/diff?against=x")).status_code == 400


async def test_the_exported_file_holds_what_makes_the_workflow(member: Member, path: str) -> None:
    told = (await member.program.get(f"{path}/export")).json()
    assert (told["format"], told["formatVersion"], told["name"]) == ("nuxa", 1, "W")
    kept = (await member.program.get(path)).json()
    assert {part: told[part] for part in ("blocks", "edges")} == {
        part: kept[part] for part in ("blocks", "edges")
    }
    assert member.workspace_id not in str(told)
