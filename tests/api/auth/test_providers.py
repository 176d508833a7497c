"""Signing in by a provider, and each way in which it must not work."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import func, select

from core.config import Settings
from core.services import Services
from core.store.sessions import Session
from tests.api.auth.conftest import Browser
from tests.stand_ins.oidc import OidcProvider


async def _refused(browser: Browser, services: Services, answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert (await browser.user()).status_code == 401
    async with services.store.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(Session)) == 0


async def test_whom_a_provider_vouches_for_is_signed_in(
    provider: OidcProvider, browser: Browser
) -> None:
    answer = await browser.sign_in(next="/workflows?tab=mine#top")
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"] == "/workflows?tab=mine#top"
    cookies = answer.headers.get_list("Set-Cookie")
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert "nuxa_sign_in" not in browser.client.cookies
    user = (await browser.user()).json()
    assert (user["email"], user["name"], user["emailVerified"]) == ("ada@example.com", "Ada", True)
    assert user["defaultWorkspaceId"].startswith("ws_")


async def test_the_way_there_carries_state_nonce_and_challenge(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    query = httpx.URL(await browser.leave()).params
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == provider.redirect_uri
    secret = [query[name] for name in ("state", "nonce", "code_challenge")]
    assert len(set(secret)) == 3 and all(len(value) == 43 for value in secret)
    other = httpx.URL(await browser.leave()).params
    assert not {other[name] for name in ("state", "nonce", "code_challenge")} & set(secret)
    (key, _) = await services.redis.keys("ticket:oauth:*")
    assert 0 < await services.redis.ttl(key) <= 600


async def test_another_browser_cannot_be_signed_in_by_a_link(
    provider: OidcProvider, browser: Browser, other_browser: Browser, services: Services
) -> None:
    back = await browser.agree(await browser.leave())
    await _refused(other_browser, services, await other_browser.client.get(back))
    await other_browser.leave()  # with a cookie of its own it is still another
    back = await browser.agree(await browser.leave())
    await _refused(other_browser, services, await other_browser.client.get(back))


@pytest.mark.parametrize("change", [{"state": "made up"}, {"state": ""}, {"code": "made up"}])
async def test_a_made_up_state_or_code_signs_nobody_in(
    provider: OidcProvider, browser: Browser, services: Services, change: dict[str, str]
) -> None:
    back = httpx.URL(await browser.agree(await browser.leave()))
    answer = await browser.client.get(back.copy_merge_params(change))
    await _refused(browser, services, answer)


async def test_an_answer_works_once(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    page = await browser.leave()
    cookie = browser.client.cookies["nuxa_sign_in"]
    back = await browser.agree(page)
    assert (await browser.client.get(back)).status_code == 302
    browser.client.cookies.clear()
    again = {"Cookie": f"nuxa_sign_in={cookie}"}
    assert (await browser.client.get(back, headers=again)).status_code == 401


async def test_a_code_from_elsewhere_is_worth_nothing_under_ones_own_state(
    provider: OidcProvider, browser: Browser, other_browser: Browser, services: Services
) -> None:
    stolen = httpx.URL(await other_browser.agree(await other_browser.leave())).params["code"]
    own = httpx.URL(await browser.agree(await browser.leave()))
    answer = await browser.client.get(own.copy_merge_params({"code": stolen}))
    await _refused(browser, services, answer)  # its challenge has another verifier


async def test_a_refusal_at_the_provider_signs_nobody_in(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    state = httpx.URL(await browser.leave()).params["state"]
    back = {"state": state, "error": "access_denied"}
    answer = await browser.client.get("/api/auth/callback/acme", params=back)
    await _refused(browser, services, answer)


async def test_an_answer_of_another_issuer_is_refused(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    back = httpx.URL(await browser.agree(await browser.leave()))
    mixed = back.copy_merge_params({"iss": "https://evil.example"})
    await _refused(browser, services, await browser.client.get(mixed))


async def test_an_answer_to_another_provider_is_refused(
    provider: OidcProvider, browser: Browser, services: Services, settings: Settings
) -> None:
    settings.oauth_providers["other"] = settings.oauth_providers["acme"]
    back = await browser.agree(await browser.leave())
    answer = await browser.client.get(back.replace("/acme?", "/other?"))
    await _refused(browser, services, answer)


async def test_an_id_token_that_does_not_hold_signs_nobody_in(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    provider.claims = lambda claims: claims | {"nonce": "another"}
    await _refused(browser, services, await browser.sign_in())


async def test_a_wrong_client_secret_is_refused_by_the_provider(
    provider: OidcProvider, browser: Browser, services: Services, settings: Settings
) -> None:
    known = settings.oauth_providers["acme"]
    settings.oauth_providers["acme"] = known.model_copy(update={"client_secret": None})
    await _refused(browser, services, await browser.sign_in())


async def test_an_address_may_come_from_userinfo(provider: OidcProvider, browser: Browser) -> None:
    provider.in_token = ()
    assert (await browser.sign_in()).status_code == 302
    assert (await browser.user()).json()["email"] == "ada@example.com"


async def test_a_provider_that_nobody_set_up_is_not_there(browser: Browser) -> None:
    for path in ("/api/auth/login/nobody", "/api/auth/callback/nobody"):
        assert (await browser.client.get(path)).status_code == 404
