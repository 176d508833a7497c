"""Templates over HTTP: listed, taken over, run."""

from __future__ import annotations

import httpx

from tests.api.conftest import Member


async def test_a_template_becomes_ones_own_and_runs(member: Member) -> None:
    listed = (await member.program.get("/api/templates")).json()["data"]
    assert len(listed) >= 12
    assert [row["category"] for row in listed] == sorted(row["category"] for row in listed)
    template = next(row for row in listed if row["id"] == "triage-by-rule")
    body = {"definition": template["workflow"]}
    made = (await member.program.post("/api/workflows/import", json=body)).json()
    assert made["warnings"] == []
    path = f"/api/workflows/{made['workflow']['id']}"
    await member.program.post(f"{path}/deploy")
    ran = await member.program.post(f"{path}/execute", json={"input": template["sampleInput"]})
    assert ran.json()["output"] == {"text": "on-call: answer within 1 h"}


async def test_strangers_see_none(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/api/templates")).status_code == 401
