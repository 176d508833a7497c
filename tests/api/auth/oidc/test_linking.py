"""Whose account it is that a provider's user gets into."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from core.services import Services
from core.store.linked_accounts import LinkedAccount
from core.store.users import User
from tests.api.auth.conftest import Browser
from tests.api.conftest import Member
from tests.stand_ins.oidc import OidcProvider


async def _count(services: Services, table: type[User] | type[LinkedAccount]) -> int | None:
    async with services.store.engine.connect() as connection:
        found: int | None = await connection.scalar(select(func.count()).select_from(table))
    return found


async def _verify(services: Services, member: Member) -> None:
    async with services.store.engine.begin() as connection:
        mine = update(User).where(User.id == member.user_id)
        await connection.execute(mine.values(email_verified=True))


async def test_who_comes_again_finds_the_same_account(
    provider: OidcProvider, browser: Browser, other_browser: Browser, services: Services
) -> None:
    await browser.sign_in()
    provider.user |= {"email": "ada.new@example.com", "email_verified": False, "name": "A."}
    await other_browser.sign_in()
    first, second = (await browser.user()).json(), (await other_browser.user()).json()
    assert first == second
    assert (await _count(services, User), await _count(services, LinkedAccount)) == (1, 1)


async def test_a_verified_account_is_linked_by_its_verified_address(
    provider: OidcProvider, browser: Browser, member: Member, services: Services
) -> None:
    await _verify(services, member)
    provider.user["email"] = member.email.upper()
    assert (await browser.sign_in()).status_code == 302
    assert (await browser.user()).json()["id"] == member.user_id
    assert await _count(services, User) == 1


async def test_an_account_of_an_unconfirmed_address_is_neither_linked_nor_taken_over(
    provider: OidcProvider, browser: Browser, member: Member, services: Services
) -> None:
    provider.user["email"] = member.email
    answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await browser.user()).status_code == 401
    assert (await member.browser.get("/api/user")).status_code == 200
    assert await _count(services, LinkedAccount) == 0


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_the_provider_has_not_verified_counts_for_nothing(
    provider: OidcProvider,
    browser: Browser,
    member: Member,
    services: Services,
    verified: object,
) -> None:
    await _verify(services, member)
    provider.user |= {"email": member.email, "email_verified": verified}
    answer = await browser.sign_in()
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert (await browser.user()).status_code == 401
    assert (await _count(services, User), await _count(services, LinkedAccount)) == (1, 0)


@pytest.mark.parametrize("email", [None, 7, "nobody", "a b@example.com", "a@b@example.com"])
async def test_an_address_that_is_none_makes_no_account(
    provider: OidcProvider, browser: Browser, services: Services, email: object
) -> None:
    provider.user["email"] = email
    assert (await browser.sign_in()).status_code == 403
    assert await _count(services, User) == 0


async def test_the_same_number_at_another_issuer_is_another_person(
    provider: OidcProvider, browser: Browser, services: Services
) -> None:
    await browser.sign_in()
    async with services.store.system() as system:
        found = await system.linked_accounts.user(provider.issuer, provider.user["sub"])
        assert found is not None
        assert await system.linked_accounts.user("https://other.example", "248289761001") is None


async def test_an_account_made_by_a_provider_has_no_password(
    provider: OidcProvider, browser: Browser, other_browser: Browser
) -> None:
    await browser.sign_in()
    for password in ("", "correct horse"):
        account = {"email": "ada@example.com", "password": password}
        answer = await other_browser.client.post("/api/auth/login", json=account)
        assert answer.status_code == 401
