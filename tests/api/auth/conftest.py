"""A browser, and a provider that the server under test is set up for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from core.config import OAuthProvider, Settings
from tests.api.conftest import TLS
from tests.stand_ins.oidc import CLIENT, SECRET, OidcProvider, oidc_provider


@pytest.fixture
async def provider(
    settings: Settings, api_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OidcProvider]:
    """The provider that is called ``acme``."""
    async with oidc_provider() as running:
        running.redirect_uri = f"{api_url}/api/auth/callback/acme"
        known = OAuthProvider(
            issuer=running.issuer, client_id=CLIENT, client_secret=SecretStr(SECRET)
        )
        monkeypatch.setattr(settings, "oauth_providers", {"acme": known})
        monkeypatch.setattr(settings, "public_url", api_url)
        yield running


@dataclass(frozen=True)
class Browser:
    """Follows no redirect by itself, so that each can be looked at."""

    client: httpx.AsyncClient

    async def leave(self, path: str = "/api/auth/login/acme", **query: str) -> str:
        """Return where the provider's page is."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    async def agree(self, page: str) -> str:
        """Sign in at the provider's page; return where it sends the browser back to."""
        async with httpx.AsyncClient(timeout=30, verify=TLS) as elsewhere:
            answer = await elsewhere.get(page)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    async def sign_in(self, **query: str) -> httpx.Response:
        """Go all the way; return the callback's answer."""
        return await self.client.get(await self.agree(await self.leave(**query)))

    async def user(self) -> httpx.Response:
        return await self.client.get("/api/user")


@pytest.fixture
def browser(anonymous: httpx.AsyncClient) -> Browser:
    return Browser(anonymous)


@pytest.fixture
async def other_browser(api_url: str) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(base_url=api_url, timeout=30, verify=TLS) as client:
        yield Browser(client)
