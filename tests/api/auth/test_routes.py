"""Signing up, in and out."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member

ACCOUNT = {"email": "Ada@Example.com", "password": "correct horse", "name": "Ada"}


async def test_sign_up_signs_in_with_a_workspace_of_ones_own(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/api/auth/signup", json=ACCOUNT)
    assert answer.status_code == 201
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    made = answer.json()
    assert made["user"]["email"] == "ada@example.com"
    session = (await anonymous.get("/api/auth/session")).json()
    assert session["user"] == made["user"]
    assert session["workspaceId"] == made["workspaceId"]
    assert session["expiresAt"].endswith("Z")


async def test_an_address_signs_up_once(member: Member, anonymous: httpx.AsyncClient) -> None:
    again = {"email": member.email.upper(), "password": "another one", "name": "Eve"}
    answer = await anonymous.post("/api/auth/signup", json=again)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
        ({"name": "  "}, "name"),
        ({"plan": "enterprise"}, "plan"),
        ({"name": 7}, "name"),
    ],
)
async def test_a_bad_sign_up_says_what_is_wrong_and_makes_nothing(
    anonymous: httpx.AsyncClient, services: Services, change: dict[str, object], path: str
) -> None:
    answer = await anonymous.post("/api/auth/signup", json=ACCOUNT | change)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert [issue["path"] for issue in error["details"]["issues"]] == [path]
    async with services.store.system() as system:
        assert await system.users.by_email("ada@example.com") is None


async def test_a_signed_out_session_is_worth_nothing(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    cookie = member.browser.cookies["nuxa_session"]
    assert (await member.browser.post("/api/auth/logout")).status_code == 204
    answer = await anonymous.get("/api/user", headers={"Cookie": f"nuxa_session={cookie}"})
    assert answer.status_code == 401


async def test_login_opens_a_session(member: Member, anonymous: httpx.AsyncClient) -> None:
    credentials = {"email": member.email, "password": member.password}
    answer = await anonymous.post("/api/auth/login", json=credentials)
    assert answer.status_code == 200
    assert answer.json()["workspaceId"] == member.workspace_id
    assert (await anonymous.get("/api/user")).json()["id"] == member.user_id


async def test_wrong_passwords_are_slowed_down(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    wrong = {"email": member.email, "password": "wrong"}
    for _ in range(10):
        assert (await anonymous.post("/api/auth/login", json=wrong)).status_code == 401
    right = {"email": member.email, "password": member.password}
    answer = await anonymous.post("/api/auth/login", json=right)
    assert answer.status_code == 429
    assert answer.json()["error"]["details"] == {"reason": "rate"}
    assert int(answer.headers["Retry-After"]) > 0


async def test_guesses_at_the_same_moment_do_not_slip_through(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    wrong = {"email": member.email, "password": "wrong"}
    guesses = (anonymous.post("/api/auth/login", json=wrong) for _ in range(20))
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert sorted(statuses) == [401] * 10 + [429] * 10


async def test_one_address_cannot_try_many_accounts(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    guesses = [{"email": f"n{n}@example.com", "password": "wrong"} for n in range(3)]
    for wrong in guesses[:2]:
        assert (await anonymous.post("/api/auth/login", json=wrong)).status_code == 401
    counts = {key: int(await services.redis.get(key)) for key in await _throttles(services)}
    # Two e-mail addresses, each counted from here and from anywhere, and this network address.
    assert sorted(counts.values()) == [1, 1, 1, 1, 2]
    (address,) = [key for key, count in counts.items() if count == 2]
    await services.redis.set(address, 49, keepttl=True)
    assert (await anonymous.post("/api/auth/login", json=guesses[2])).status_code == 401
    right = {"email": member.email, "password": member.password}
    assert (await anonymous.post("/api/auth/login", json=right)).status_code == 429
    assert 0 < await services.redis.ttl(address) <= 900


async def test_good_sign_ins_are_not_counted(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    right = {"email": member.email, "password": member.password}
    for _ in range(2):
        assert (await anonymous.post("/api/auth/login", json=right)).status_code == 200
    assert [int(await services.redis.get(key)) for key in await _throttles(services)] == [0, 0]


async def _throttles(services: Services) -> list[bytes]:
    found: list[bytes] = await services.redis.keys("login:*")
    return found


async def test_foreign_pages_do_not_write_nor_sign_anybody_in(member: Member) -> None:
    right = {"email": member.email, "password": member.password}
    for headers in (
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1.evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        write = await member.browser.patch("/api/user", json={"name": "X"}, headers=headers)
        login = await member.browser.post("/api/auth/login", json=right, headers=headers)
        read = await member.browser.get("/api/user", headers=headers)
        statuses = (write.status_code, login.status_code, read.status_code)
        assert (headers, statuses) == (headers, (403, 403, 200))


async def test_with_a_public_url_only_its_pages_write(
    member: Member, settings: Settings, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "public_url", "https://nuxa.example")
    for origin, status in ((api_url, 403), ("https://nuxa.example", 200)):
        headers = {"Origin": origin}
        answer = await member.browser.patch("/api/user", json={"name": "X"}, headers=headers)
        assert answer.status_code == status
    fresh = {"email": member.email, "password": member.password}
    signed_in = await member.browser.post("/api/auth/login", json=fresh)
    assert signed_in.headers["Set-Cookie"].endswith("; Secure")


async def test_a_write_with_a_cookie_must_come_from_our_own_pages(
    member: Member, settings: Settings, api_url: str
) -> None:
    body = {"name": "Changed"}
    foreign = await member.browser.patch(
        "/api/user", json=body, headers={"Origin": "https://evil.example"}
    )
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "FORBIDDEN")
    own = await member.browser.patch("/api/user", json=body, headers={"Origin": api_url})
    assert (own.status_code, own.json()["name"]) == (200, "Changed")
