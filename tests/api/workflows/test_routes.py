"""Workflows over HTTP: kept, changed, refused, copied, deployed."""

from __future__ import annotations

import pytest

from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")


async def _create(member: Member, **fields: object) -> dict:
    answer = await member.browser.post("/api/workflows", json={"name": "W", **HELLO, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_created_and_read_back(member: Member) -> None:
    made = await _create(member, description="greets")
    assert made["id"].startswith("wf_")
    assert (made["version"], made["isDeployed"]) == (1, False)
    assert made["workspaceId"] == member.workspace_id
    assert made["blocks"]["t"]["subBlocks"]["template"]["value"] == "Hi <start.name>"
    assert made["createdAt"].endswith("Z")
    for client in (member.browser, member.program):
        assert (await client.get(f"/api/workflows/{made['id']}")).json() == made


async def test_an_empty_workflow_may_be_kept(member: Member) -> None:
    answer = await member.browser.post("/api/workflows", json={"name": "Empty"})
    assert answer.status_code == 201
    assert answer.json()["blocks"] == {}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (definition([block("a"), block("b")], "s>a a>b b>a"), '"a"'),
        (definition([block("a", "teleport")], "s>a"), '"a"'),
        (definition([block("a")], "s>a a>ghost"), '"a"'),
        (definition([block("a", template="<ghost.text>")], "s>a"), '"a"'),
        (definition([block("a", _retry={"maxTries": 50})], "s>a"), '"a"'),
        ({"flavour": "sweet"}, "flavour"),
        ({"blocks": 7}, "blocks"),
        ({"name": ""}, "name"),
    ],
)
async def test_refused_naming_the_place_and_leaving_nothing(
    member: Member, wrong: dict, named: str
) -> None:
    answer = await member.browser.post("/api/workflows", json={"name": "W", **wrong})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert named in error["message"]
    assert error["details"]["issues"][0].keys() == {"path", "message", "code"}
    assert (await member.browser.get("/api/workflows")).json()["data"] == []


async def test_changed(member: Member) -> None:
    made = await _create(member)
    path = f"/api/workflows/{made['id']}"
    renamed = (await member.browser.patch(path, json={"name": "New"})).json()
    assert (renamed["name"], renamed["version"], renamed["blocks"]) == ("New", 2, made["blocks"])
    other = definition([block("u")], "s>u")
    changed = (await member.browser.patch(path, json=other)).json()
    assert (changed["version"], set(changed["blocks"])) == (3, {"s", "u"})
    wrong = await member.browser.patch(
        path, json={"edges": [{"id": "x", "source": "u", "target": "gone"}]}
    )
    assert wrong.status_code == 400
    assert (await member.browser.get(path)).json() == changed


async def test_listed_in_pages(member: Member) -> None:
    names = [f"W{number}" for number in range(5)]
    for name in names:
        await _create(member, name=name)
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await member.program.get("/api/v1/workflows", params=query)).json()
        seen += [row["name"] for row in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == names[::-1]
    found = (await member.browser.get("/api/workflows", params={"search": "w3"})).json()["data"]
    assert [row["name"] for row in found] == ["W3"]
    assert "blocks" not in found[0]


async def test_duplicated_under_new_ids(member: Member) -> None:
    raw = definition(
        [
            block("c", "condition", conditions=[{"id": "yes", "title": "yes", "value": "true"}]),
            block("t", template="<start.x> t"),
        ],
        "s>c c:condition-yes>t",
        variables={"v": {"id": "v", "name": "x", "type": "string", "value": "1"}},
    )
    made = await _create(member, **raw)
    answer = await member.browser.post(f"/api/workflows/{made['id']}/duplicate", json={})
    assert answer.status_code == 201
    copy = answer.json()
    assert copy["name"] == "W (copy)"
    assert not copy["blocks"].keys() & made["blocks"].keys()
    assert {b["name"] for b in copy["blocks"].values()} == {"s", "c", "t"}
    assert {e["id"] for e in copy["edges"]}.isdisjoint(e["id"] for e in made["edges"])
    run = await member.browser.post(
        f"/api/workflows/{copy['id']}/execute", json={"input": {"x": 1}}
    )
    assert run.json()["output"] == {"text": "1 t"}


async def test_validated_without_running(member: Member) -> None:
    made = await _create(member, **definition([block("t", template="")], "s>t"))
    path = f"/api/workflows/{made['id']}"
    answer = (await member.browser.post(f"{path}/validate", json={})).json()
    assert answer["valid"] is False
    assert answer["issues"][0]["path"] == "blocks.t.subBlocks.template"
    refused = await member.browser.post(f"{path}/execute", json={"input": {}})
    assert refused.status_code == 400
    assert '"t"' in refused.json()["error"]["message"]
    deploy = await member.browser.post(f"{path}/deploy")
    assert deploy.status_code == 400
    assert (await member.browser.get(f"{path}/executions")).json()["data"] == []


async def test_deleted_with_its_runs(member: Member) -> None:
    made = await _create(member)
    path = f"/api/workflows/{made['id']}"
    run = (await member.browser.post(f"{path}/execute", json={"name": "A"})).json()
    assert (await member.browser.delete(path)).status_code == 204
    assert (await member.browser.get(path)).status_code == 404
    assert (await member.browser.get(f"/api/logs/{run['executionId']}")).status_code == 404


async def test_the_types_of_blocks(member: Member) -> None:
    kinds = {k["type"]: k for k in (await member.browser.get("/api/blocks")).json()["data"]}
    assert {"start", "agent", "knowledge", "condition", "template", "response"} <= kinds.keys()
    assert kinds["template"]["settings"]["required"] == ["template"]
    assert kinds["condition"]["outputs"].keys() == {"conditionResult", "selectedPath"}
