"""A repeated delivery hands no stored answer to a sender who showed nothing."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import Member
from tests.api.workflows.test_webhooks import Hook, hook  # noqa: F401 - a fixture
from tests.pipelines.shapes import block, definition

SECRETIVE = definition([block("t", template="secret of <start.body.name>")], "s>t")
ANSWERING = definition(
    [block("r", "response", data="secret of <start.body.name>", headers={"ETag": "1"})], "s>r"
)


@pytest.mark.parametrize("raw", [SECRETIVE, ANSWERING], ids=["result", "response-block"])
@pytest.mark.parametrize("name", ["Ada", "Mallory"])
async def test_anonymous_webhook_with_repeated_id_answers_without_result(
    hook: Hook,  # noqa: F811
    anonymous: httpx.AsyncClient,
    member: Member,
    raw: dict[str, object],
    name: str,
) -> None:
    path = f"/api/webhooks/{await hook(raw, auth='none')}"
    headers = {"Idempotency-Key": "d-1"}
    first = await anonymous.post(path, json={"name": "Ada"}, headers=headers)
    assert "secret of Ada" in first.text
    again = await anonymous.post(path, json={"name": name}, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert "secret" not in again.text
    assert "ETag" not in again.headers
    assert len((await member.program.get("/api/logs")).json()["data"]) == 1
