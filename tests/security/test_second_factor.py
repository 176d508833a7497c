"""A second factor cannot be bypassed, guessed or replayed; no secret is stored plainly."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pyotp
from sqlalchemy import select

from core.services import Services
from core.store.second_factors import RecoveryCode, TotpFactor
from tests.api.auth.conftest import Browser, browser, provider  # noqa: F401
from tests.api.conftest import Member
from tests.security.test_program_tokens import _make_login_old
from tests.stand_ins.oidc import OidcProvider

LOGIN = "/api/auth/login"
PROVE = "/api/auth/second-factor"
STEP = 30  # seconds


def _code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time() + steps * STEP)


async def _set_up(person: Member) -> tuple[str, list[str]]:
    """Set up an app with the code of the step before; return its secret and recovery codes."""
    secret = (await person.browser.post("/api/auth/totp")).json()["secret"]
    body = {"code": _code(secret, -1)}
    confirmed = await person.browser.post("/api/auth/totp/confirm", json=body)
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recoveryCodes"]


async def _login(client: httpx.AsyncClient, person: Member) -> httpx.Response:
    return await client.post(LOGIN, json={"email": person.email, "password": person.password})


async def _challenge(client: httpx.AsyncClient, person: Member) -> str:
    answer = await _login(client, person)
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "SECOND_FACTOR_REQUIRED")
    assert "set-cookie" not in answer.headers
    return str(error["details"]["challenge"])


async def _prove(client: httpx.AsyncClient, challenge: str, code: str) -> int:
    body = {"challenge": challenge, "code": code}
    return (await client.post(PROVE, json=body)).status_code


async def test_login_with_totp_needs_a_code_which_works_once(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    secret, _ = await _set_up(member)
    challenge, code = await _challenge(anonymous, member), _code(secret)
    assert (await anonymous.get("/api/user")).status_code == 401
    assert await _prove(anonymous, challenge, "000000") in (200, 401)
    assert await _prove(anonymous, challenge, code) == 200
    assert (await anonymous.get("/api/user")).json()["id"] == member.user_id
    assert await _prove(anonymous, challenge, _code(secret, 1)) == 401
    replayed = await _challenge(anonymous, member)
    for used in (code, _code(secret, -1)):
        assert await _prove(anonymous, replayed, used) == 401
    assert await _prove(anonymous, replayed, _code(secret, 1)) == 200


async def test_totp_not_confirmed_asks_for_nothing(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    made = (await member.browser.post("/api/auth/totp")).json()
    assert made["otpauthUri"].startswith("otpauth://totp/")
    wrong = await member.browser.post("/api/auth/totp/confirm", json={"code": "abcdefg"})
    assert wrong.status_code == 400
    assert (await _login(anonymous, member)).status_code == 200


async def test_recovery_code_signs_in_once_and_ends_with_newer_ones(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    _, codes = await _set_up(member)
    assert len(set(codes)) == 10
    assert await _prove(anonymous, await _challenge(anonymous, member), codes[0].upper()) == 200
    assert await _prove(anonymous, await _challenge(anonymous, member), codes[0]) == 401
    state = (await member.browser.get(PROVE)).json()
    assert state == {"totpEnabled": True, "recoveryCodesLeft": 9}
    newer = (await member.browser.post("/api/auth/recovery-codes")).json()["recoveryCodes"]
    assert await _prove(anonymous, await _challenge(anonymous, member), codes[1]) == 401
    assert await _prove(anonymous, await _challenge(anonymous, member), newer[1]) == 200


async def test_wrong_codes_are_slowed_down_per_account(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    _, codes = await _set_up(member)
    statuses = []
    for number in range(11):
        challenge = await _challenge(anonymous, member)
        statuses.append(await _prove(anonymous, challenge, f"wrong-code-{number}"))
    assert statuses == [401] * 10 + [429]
    assert await _prove(anonymous, await _challenge(anonymous, member), codes[0]) == 429


async def test_challenge_of_older_password_does_not_work(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    secret, _ = await _set_up(member)
    challenge = await _challenge(anonymous, member)
    change = {"password": "a new password", "currentPassword": member.password}
    assert (await member.browser.patch("/api/user", json=change)).status_code == 200
    assert await _prove(anonymous, challenge, _code(secret)) == 401


async def test_sign_in_by_provider_needs_the_second_factor_too(
    member: Member,
    browser: Browser,  # noqa: F811
    provider: OidcProvider,  # noqa: F811
    services: Services,
) -> None:
    async with services.store.system() as system:
        assert await system.users.confirm_email(member.user_id, member.email)
    provider.user.update({"email": member.email, "email_verified": True})
    secret, _ = await _set_up(member)
    back = await browser.sign_in(next="/chats")
    page, _, fragment = back.headers["Location"].partition("#")
    assert page.endswith("/second-factor")
    assert fragment.endswith("&next=%2Fchats")
    assert (await browser.user()).status_code == 401
    challenge = fragment.removeprefix("challenge=").partition("&")[0]
    assert await _prove(browser.client, challenge, _code(secret)) == 200
    assert (await browser.user()).json()["id"] == member.user_id


async def test_reauthenticate_by_code_is_a_recent_login(member: Member, services: Services) -> None:
    secret, _ = await _set_up(member)
    await _make_login_old(services, member)
    assert (await member.browser.delete("/api/auth/totp")).status_code == 403
    path, code = "/api/auth/reauthenticate", _code(secret)
    assert (await member.browser.post(path, json={"code": code})).status_code == 204
    assert (await member.browser.post(path, json={"code": code})).status_code == 401
    assert (await member.browser.post(path, json={})).status_code == 400
    assert (await member.browser.delete("/api/auth/totp")).status_code == 204
    assert (await member.browser.delete("/api/auth/totp")).status_code == 404


async def test_totp_secret_and_recovery_codes_at_rest_are_not_plain(
    member: Member, services: Services
) -> None:
    secret, codes = await _set_up(member)
    async with services.store.engine.connect() as connection:
        for table in (TotpFactor, RecoveryCode):
            stored = str((await connection.execute(select(table.__table__))).all())
            assert secret not in stored
            assert not any(code in stored or code.replace("-", "") in stored for code in codes)
