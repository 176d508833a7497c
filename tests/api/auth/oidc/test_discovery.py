"""A provider must be what it says it is."""

from __future__ import annotations

import pytest

from core.config import Settings
from tests.api.auth.conftest import Browser
from tests.stand_in import Says
from tests.stand_ins.oidc import OidcProvider


@pytest.mark.parametrize(
    "lie", [{"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": 7}]
)
async def test_metadata_that_does_not_fit_is_refused(
    provider: OidcProvider, browser: Browser, lie: dict[str, object]
) -> None:
    provider.metadata = lie
    answer = await browser.client.get("/api/auth/login/acme")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "UPSTREAM_ERROR")


@pytest.mark.parametrize("says", [Says(500), Says(body=b"[]"), Says(body=b"<html>")])
async def test_a_provider_that_is_down_is_a_502_and_no_worse(
    provider: OidcProvider, browser: Browser, says: Says
) -> None:
    working = provider.server.answer
    provider.server.answer = lambda asked: says
    assert (await browser.client.get("/api/auth/login/acme")).status_code == 502
    provider.server.answer = working
    assert (await browser.sign_in()).status_code == 302


async def test_a_providers_word_reaches_no_other_private_address(
    provider: OidcProvider, browser: Browser
) -> None:
    provider.metadata = {"token_endpoint": "http://127.0.0.1:9/token"}
    answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"]["reason"] == "address"


async def test_what_it_says_is_asked_once(
    provider: OidcProvider, browser: Browser, settings: Settings
) -> None:
    for _ in range(2):
        assert (await browser.sign_in()).status_code == 302
    paths = [asked.path for asked in provider.server.asked]
    assert paths.count("/.well-known/openid-configuration") == 1
    assert paths.count("/keys") == 1
