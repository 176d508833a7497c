"""Secrets: saved and named, never shown, nobody else's."""

from __future__ import annotations

import httpx
import pytest

from core.services import Services
from tests.api.conftest import Member

VALUE = "xoxb-very-secret"


def _path(member: Member, name: str = "") -> str:
    return f"/api/workspaces/{member.workspace_id}/secrets" + (f"/{name}" if name else "")


async def test_secret_is_saved_sealed_and_never_shown(member: Member, services: Services) -> None:
    assert (await member.browser.put(_path(member, "TOKEN"), json={"value": VALUE})).content == b""
    answer = await member.browser.get(_path(member))
    assert [secret["name"] for secret in answer.json()["data"]] == ["TOKEN"]
    assert answer.json()["data"][0].keys() == {"name", "createdAt", "updatedAt"}
    async with services.store.unit(member.workspace_id) as unit:
        sealed = (await unit.secrets.all_sealed())["TOKEN"]
    assert VALUE not in sealed
    assert services.sealer.open(sealed) == VALUE


async def test_saving_again_replaces_the_value(member: Member, services: Services) -> None:
    await member.browser.put(_path(member, "TOKEN"), json={"value": "old"})
    first = (await member.program.get(_path(member))).json()["data"][0]
    await member.browser.put(_path(member, "TOKEN"), json={"value": " new\n"})
    (second,) = (await member.program.get(_path(member))).json()["data"]
    assert second["createdAt"] == first["createdAt"]
    assert second["updatedAt"] > first["updatedAt"]
    async with services.store.unit(member.workspace_id) as unit:
        assert services.sealer.open((await unit.secrets.all_sealed())["TOKEN"]) == "new"


async def test_secrets_are_listed_in_pages_by_name(member: Member) -> None:
    for name in ("B", "C", "A"):
        await member.browser.put(_path(member, name), json={"value": "v"})
    first = (await member.program.get(_path(member), params={"limit": 2})).json()
    assert [secret["name"] for secret in first["data"]] == ["A", "B"]
    query = {"limit": 2, "cursor": first["nextCursor"]}
    second = (await member.program.get(_path(member), params=query)).json()
    assert [secret["name"] for secret in second["data"]] == ["C"]
    assert second["nextCursor"] is None


async def test_secret_is_deleted_once(member: Member) -> None:
    await member.browser.put(_path(member, "TOKEN"), json={"value": VALUE})
    assert (await member.browser.delete(_path(member, "TOKEN"))).status_code == 204
    assert (await member.browser.delete(_path(member, "TOKEN"))).status_code == 404
    assert (await member.program.get(_path(member))).json()["data"] == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("TOKEN", {}),
        ("TOKEN", {"value": ""}),
        ("TOKEN", {"value": "  "}),
        ("TOKEN", {"value": 1}),
        ("TOKEN", {"value": "a", "other": 1}),
        ("TOKEN", {"value": "a" * 70_000}),
        ("with-dash", {"value": "a"}),
        ("1st", {"value": "a"}),
        ("N" * 101, {"value": "a"}),
    ],
)
async def test_odd_secrets_are_refused(member: Member, name: str, body: dict[str, object]) -> None:
    answer = await member.browser.put(_path(member, name), json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert (await member.program.get(_path(member))).json()["data"] == []


async def test_reader_sees_names_but_changes_nothing(member: Member, api_url: str) -> None:
    made = await member.browser.post(
        "/api/auth/api-keys", json={"name": "reader", "scopes": ["read"]}
    )
    headers = {"x-api-key": made.json()["key"]}
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as reader:
        assert (await reader.get(_path(member))).status_code == 200
        put = await reader.put(_path(member, "TOKEN"), json={"value": "a"})
        assert put.status_code == 403
        assert (await reader.delete(_path(member, "TOKEN"))).status_code == 403
