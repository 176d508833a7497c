"""API keys: shown once, bounded by scope and time."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from core.services import Services
from core.store.base import now
from core.store.pages import PageRequest
from tests.api.conftest import Member, SignUp


async def _client(member: Member, api_url: str, **options: object) -> httpx.AsyncClient:
    made = await member.browser.post("/api/auth/api-keys", json={"name": "k", **options})
    assert made.status_code == 201, made.text
    return httpx.AsyncClient(base_url=api_url, headers={"x-api-key": made.json()["key"]})


async def test_a_key_is_shown_once_and_works_until_it_is_deleted(member: Member) -> None:
    keys = (await member.browser.get("/api/auth/api-keys")).json()["data"]
    assert [key["name"] for key in keys] == ["program"]
    assert "key" not in keys[0]
    assert (await member.program.get("/api/user")).json()["id"] == member.user_id
    gone = await member.browser.delete(f"/api/auth/api-keys/{keys[0]['id']}")
    assert gone.status_code == 204
    assert (await member.program.get("/api/user")).status_code == 401


async def test_keys_are_made_in_a_browser_only(member: Member) -> None:
    answer = await member.program.post("/api/auth/api-keys", json={"name": "more"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("scopes", "reads", "renames"),
    [
        (["read"], 200, 403),
        (["write"], 200, 403),
        (["admin"], 200, 200),
        (["workspaces:admin"], 200, 200),
        (["files:admin"], 403, 403),
    ],
)
async def test_a_scope_bounds_what_an_owners_key_may_do(
    member: Member, api_url: str, scopes: list[str], reads: int, renames: int
) -> None:
    path = f"/api/workspaces/{member.workspace_id}"
    async with await _client(member, api_url, scopes=scopes) as program:
        assert (await program.get(path)).status_code == reads
        assert (await program.patch(path, json={"name": "New"})).status_code == renames


@pytest.mark.parametrize("bad", [{"scopes": ["root"]}, {"expiresAt": "2020-01-01T00:00:00Z"}])
async def test_a_key_without_sense_is_refused(member: Member, bad: dict[str, object]) -> None:
    answer = await member.browser.post("/api/auth/api-keys", json={"name": "k", **bad})
    assert answer.status_code == 400


async def test_an_expired_key_is_refused(member: Member, services: Services, api_url: str) -> None:
    tomorrow = (now() + timedelta(days=1)).isoformat()
    async with await _client(member, api_url, expiresAt=tomorrow) as program:
        assert (await program.get("/api/user")).status_code == 200
        async with services.store.unit(member.workspace_id) as unit:
            page = await unit.api_keys.page(member.user_id, PageRequest(10))
            for row in page.rows:
                row.expires_at = now()
        assert (await program.get("/api/user")).status_code == 401


async def test_a_key_reaches_its_own_workspace_only(member: Member, sign_up: SignUp) -> None:
    made = await member.browser.post("/api/workspaces", json={"name": "Second"})
    second = made.json()["id"]
    assert (await member.browser.get(f"/api/workspaces/{second}")).status_code == 200
    assert (await member.program.get(f"/api/workspaces/{second}")).status_code == 404
    answer = await member.program.get("/api/users", params={"workspaceId": second})
    assert answer.status_code == 404
