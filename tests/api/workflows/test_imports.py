"""Importing over HTTP: a form, an object, a text; and what was exported."""

from __future__ import annotations

import json

import pytest
from haystack import Pipeline

from tests.api.conftest import Member
from tests.pipelines.imports.test_read import DIFY, SIM
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")


async def test_what_was_exported_comes_back_and_runs(member: Member) -> None:
    made = await member.browser.post("/api/workflows", json={"name": "W", **HELLO})
    exported = await member.program.get(f"/api/workflows/{made.json()['id']}/export")
    answer = await member.program.post(
        "/api/workflows/import", json={"definition": exported.json(), "name": "Again"}
    )
    assert answer.status_code == 201
    told = answer.json()
    assert (told["warnings"], told["workflow"]["name"]) == ([], "Again")
    assert told["workflow"]["blocks"] == made.json()["blocks"]
    path = f"/api/workflows/{told['workflow']['id']}"
    await member.browser.post(f"{path}/deploy")
    ran = await member.program.post(f"{path}/execute", json={"name": "Ada"})
    assert ran.json()["output"] == {"text": "Hi Ada"}


async def test_export_to_haystack_of_complete_workflow_loads_and_of_draft_says_what_lacks(
    member: Member,
) -> None:
    made = await member.browser.post("/api/workflows", json={"name": "W", **HELLO})
    path = f"/api/workflows/{made.json()['id']}"
    answer = await member.program.get(f"{path}/haystack")
    assert answer.headers["content-type"] == "application/yaml"
    pipeline = Pipeline.loads(answer.text, allowed_modules=["pipelines.blocks"])
    asked = {"s": {"input": {"name": "Ada"}}}
    assert (await pipeline.run_async(asked))["t"] == {"text": "Hi Ada"}

    draft = definition([block("t", "agent")], "s>t")
    made = await member.browser.post("/api/workflows", json={"name": "D", **draft})
    answer = await member.program.get(f"/api/workflows/{made.json()['id']}/haystack")
    assert answer.status_code == 400
    assert '"t"' in answer.json()["error"]["message"]


async def test_a_file_by_form(member: Member) -> None:
    files = {"file": ("flow.yml", DIFY.encode(), "application/yaml")}
    answer = await member.browser.post("/api/workflows/import", files=files, data={"name": "Mine"})
    assert answer.status_code == 201
    assert answer.json()["workflow"]["name"] == "Mine"
    assert answer.json()["workflow"]["description"] == "does much"
    assert "telepathy" in answer.json()["warnings"][0]
    kept = await member.browser.get(f"/api/workflows/{answer.json()['workflow']['id']}")
    assert kept.json()["blocks"]["2"]["enabled"] is False
    audit = (await member.browser.get(f"/api/workspaces/{member.workspace_id}/audit")).text
    assert "workflow.imported" in audit


async def test_a_text_in_json(member: Member) -> None:
    body = {"definition": json.dumps(SIM)}
    answer = await member.program.post("/api/workflows/import", json=body)
    assert answer.json()["workflow"]["name"] == "From Sim"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {}}, 400),
        ({"json": {"definition": "no workflow"}}, 400),
        ({"json": {"definition": {"blocks": {}}, "extra": 1}}, 400),
        ({"files": {"other": ("a", b"{}")}}, 400),
        ({"files": {"file": ("a", b"\xff\xfe")}}, 400),
        ({"files": {"file": ("a", b"{}")}, "data": {"name": ""}}, 400),
        ({"files": {"file": ("a", b"x" * 2_000_001)}}, 413),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
async def test_refused(member: Member, sent: dict, status: int) -> None:
    answer = await member.program.post("/api/workflows/import", **sent)
    assert answer.status_code == status
    assert (await member.program.get("/api/workflows")).json()["data"] == []
