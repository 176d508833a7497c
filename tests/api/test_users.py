"""The signed-in user changes herself."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import Member

NEW = "a new password"


async def _login(client: httpx.AsyncClient, member: Member, password: str) -> int:
    account = {"email": member.email, "password": password}
    return (await client.post("/api/auth/login", json=account)).status_code


async def test_a_new_password_ends_the_other_sessions(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    assert await _login(anonymous, member, member.password) == 200
    change = {"password": NEW, "currentPassword": member.password, "name": "Mia M."}
    answer = await member.browser.patch("/api/user", json=change)
    assert (answer.status_code, answer.json()["name"]) == (200, "Mia M.")
    assert (await member.browser.get("/api/user")).status_code == 200
    assert (await anonymous.get("/api/user")).status_code == 401
    assert await _login(anonymous, member, member.password) == 401
    assert await _login(anonymous, member, NEW) == 200


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"password": NEW}, "currentPassword"),
        ({"password": NEW, "currentPassword": "wrong"}, "currentPassword"),
        ({"password": "short", "currentPassword": "correct horse battery"}, "password"),
        ({"currentPassword": "correct horse battery"}, "password"),
    ],
)
async def test_without_the_current_password_nothing_changes(
    member: Member, anonymous: httpx.AsyncClient, change: dict[str, str], path: str
) -> None:
    answer = await member.browser.patch("/api/user", json=change | {"name": "Eve"})
    assert answer.status_code == 400
    assert [issue["path"] for issue in answer.json()["error"]["details"]["issues"]] == [path]
    assert (await member.browser.get("/api/user")).json()["name"] == "Mia Member"
    assert await _login(anonymous, member, member.password) == 200


async def test_guessing_the_current_password_is_slowed_down(member: Member) -> None:
    change = {"password": NEW, "currentPassword": "wrong"}
    statuses = [
        (await member.browser.patch("/api/user", json=change)).status_code for _ in range(11)
    ]
    assert statuses == [400] * 10 + [429]


async def test_a_key_changes_no_password(member: Member) -> None:
    change = {"password": NEW, "currentPassword": member.password}
    assert (await member.program.patch("/api/user", json=change)).status_code == 403
