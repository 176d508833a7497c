"""Who may sign up, and headers of answers that hold credentials."""

from __future__ import annotations

import httpx
import pytest

from core.config import Settings
from tests.api.auth.conftest import Browser, browser, provider  # noqa: F401
from tests.api.conftest import Member
from tests.stand_ins.oidc import OidcProvider

ACCOUNT = {"email": "late@example.com", "password": "correct horse", "name": "Late"}


async def test_sign_up_when_closed_lets_in_the_first_user_only(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "sign_up", "closed")
    first = await anonymous.post("/api/auth/signup", json=ACCOUNT | {"email": "first@example.com"})
    assert first.status_code == 201
    answer = await anonymous.post("/api/auth/signup", json=ACCOUNT)
    error = answer.json()["error"]
    assert (answer.status_code, error["details"]["reason"]) == (403, "sign_up_closed")


async def test_provider_sign_in_when_sign_up_is_closed_makes_no_account(
    provider: OidcProvider,  # noqa: F811
    browser: Browser,  # noqa: F811
    member: Member,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "sign_up", "closed")
    answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert (await browser.user()).status_code == 401


@pytest.mark.parametrize("claim", ["email", "sub"])
async def test_provider_claim_with_nul_is_refused(
    provider: OidcProvider,  # noqa: F811
    browser: Browser,  # noqa: F811
    claim: str,
) -> None:
    provider.user[claim] = "ada\x00@example.com"
    answer = await browser.sign_in()
    assert answer.status_code in (401, 403), answer.text
    assert (await browser.user()).status_code == 401


async def test_credential_answers_are_not_stored(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    login = {"email": member.email, "password": member.password}
    answers = [
        await anonymous.post("/api/auth/login", json=login),
        await anonymous.post("/api/auth/login", json=login | {"password": "wrong"}),
        await anonymous.post("/api/auth/signup", json=ACCOUNT),
        await member.browser.post("/api/auth/api-keys", json={"name": "k"}),
        await member.browser.post("/api/auth/socket-token"),
        await member.browser.get("/api/auth/session"),
        await member.browser.post(
            "/api/artifacts", json={"type": "code", "title": "a", "content": "x"}
        ),
        await member.browser.post("/api/voice/session", json={"channel": "web"}),
    ]
    assert [answer.headers.get("Cache-Control") for answer in answers] == ["no-store"] * 8


async def test_answers_in_production_behind_https_have_hsts(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "Strict-Transport-Security"
    assert header not in (await anonymous.get("/api/health/live")).headers
    monkeypatch.setattr(settings, "environment", "production")
    monkeypatch.setattr(settings, "public_url", "https://flow.example")
    for path in ("/api/health/live", "/api/user"):
        assert (await anonymous.get(path)).headers[header] == "max-age=31536000"


async def test_default_key_follows_the_role_of_its_owner(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    made = (await member.browser.post("/api/auth/api-keys", json={"name": "k"})).json()
    headers = {"x-api-key": made["key"]}
    path = f"/api/workspaces/{member.workspace_id}"
    assert (await anonymous.get(f"{path}/audit", headers=headers)).status_code == 200
    secret = await anonymous.put(f"{path}/secrets/TOKEN", json={"value": "v"}, headers=headers)
    assert secret.status_code == 403
