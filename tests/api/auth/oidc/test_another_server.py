"""The same sign-in against a server that others wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread
from pydantic import SecretStr

from core.config import OAuthProvider, Settings
from tests.api.auth.conftest import Browser
from tests.api.conftest import TLS

BOB = User(sub="bob-1", claims={"email": "bob@example.com", "email_verified": True, "name": "Bob"})


@pytest.fixture
async def issuer(
    settings: Settings, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A running oidc-provider-mock that knows its clients and wants nonces."""
    serving = run_server_in_thread(
        require_client_registration=True, require_nonce=True, user_claims=[BOB]
    )
    with serving as server:
        url = f"http://localhost:{server.server_port}"
        wish = {
            "redirect_uris": [f"{api_url}/api/auth/callback/mock"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
        async with httpx.AsyncClient(timeout=30, verify=TLS) as client:
            made = (await client.post(f"{url}/oauth2/clients", json=wish)).json()
        known = OAuthProvider(
            issuer=url, client_id=made["client_id"], client_secret=SecretStr(made["client_secret"])
        )
        monkeypatch.setattr(settings, "oauth_providers", {"mock": known})
        monkeypatch.setattr(settings, "public_url", api_url)
        yield url


async def test_it_vouches_for_bob(issuer: str, browser: Browser) -> None:
    page = await browser.leave("/api/auth/login/mock", next="/home")
    assert page.startswith(issuer)
    async with httpx.AsyncClient(timeout=30, verify=TLS) as elsewhere:
        agreed = await elsewhere.post(page, data={"sub": "bob-1"})
    assert agreed.status_code == 302, agreed.text
    answer = await browser.client.get(agreed.headers["Location"])
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/home"), answer.text
    user = (await browser.user()).json()
    assert (user["email"], user["emailVerified"], user["name"]) == ("bob@example.com", True, "Bob")


async def test_it_takes_no_wrong_secret(issuer: str, browser: Browser, settings: Settings) -> None:
    known = settings.oauth_providers["mock"]
    wrong = known.model_copy(update={"client_secret": SecretStr("wrong")})
    settings.oauth_providers["mock"] = wrong
    page = await browser.leave("/api/auth/login/mock")
    async with httpx.AsyncClient(timeout=30, verify=TLS) as elsewhere:
        agreed = await elsewhere.post(page, data={"sub": "bob-1"})
    answer = await browser.client.get(agreed.headers["Location"])
    assert answer.status_code == 401
    assert (await browser.user()).status_code == 401
