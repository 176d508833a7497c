"""A passkey signs in its own account at this site, by a fresh signature of a verified user."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api import afterwards
from core.config import Settings
from core.services import Services
from tests.api.conftest import Member
from tests.authenticator import Authenticator, encode
from tests.mailbox import Mailbox
from tests.security.test_program_tokens import _make_login_old

OPTIONS = "/api/auth/passkey-options"
PASSKEYS = "/api/auth/passkeys"
LOGIN_OPTIONS = "/api/auth/passkey-login/options"
LOGIN = "/api/auth/passkey-login"


@pytest.fixture
def authenticator(settings: Settings) -> Authenticator:
    return Authenticator(settings.base_url)


async def _create(person: Member, authenticator: Authenticator) -> httpx.Response:
    options = (await person.browser.post(OPTIONS)).json()
    body = {
        "name": "phone",
        "challengeId": options["challengeId"],
        "credential": authenticator.create(options["publicKey"]),
    }
    return await person.browser.post(PASSKEYS, json=body)


async def _signature(client: httpx.AsyncClient, authenticator: Authenticator) -> dict[str, Any]:
    options = (await client.post(LOGIN_OPTIONS)).json()
    credential = authenticator.get(options["publicKey"])
    return {"challengeId": options["challengeId"], "credential": credential}


async def test_passkey_login_signs_in_without_a_second_factor_and_works_once(
    member: Member, anonymous: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    created = await _create(member, authenticator)
    assert (created.status_code, created.json()["name"]) == (201, "phone")
    signature = await _signature(anonymous, authenticator)
    signed_in = await anonymous.post(LOGIN, json=signature)
    assert (signed_in.status_code, signed_in.json()["user"]["id"]) == (200, member.user_id)
    assert (await anonymous.get("/api/user")).json()["id"] == member.user_id
    assert (await anonymous.post(LOGIN, json=signature)).status_code == 401
    (listed,) = (await member.browser.get(PASSKEYS)).json()["data"]
    assert listed["lastUsedAt"] is not None
    assert (await member.browser.delete(f"{PASSKEYS}/{listed['id']}")).status_code == 204
    signature = await _signature(anonymous, authenticator)
    assert (await anonymous.post(LOGIN, json=signature)).status_code == 401


async def test_create_passkey_of_other_site_account_or_unverified_user_is_refused(
    member: Member, stranger: Member, authenticator: Authenticator
) -> None:
    for lying in (
        Authenticator("https://evil.example"),
        Authenticator(authenticator.origin, is_user_verified=False),
        Authenticator(authenticator.origin, cose=b"\x80"),  # an empty list
    ):
        assert (await _create(member, lying)).status_code == 400
    options = (await stranger.browser.post(OPTIONS)).json()
    body = {"name": "x", "challengeId": options["challengeId"]}
    body["credential"] = authenticator.create(options["publicKey"])
    assert (await member.browser.post(PASSKEYS, json=body)).status_code == 400
    assert (await _create(member, authenticator)).status_code == 201
    assert (await _create(stranger, authenticator)).status_code == 409
    assert (await stranger.browser.get(PASSKEYS)).json()["data"] == []


async def test_passkey_login_with_wrong_signature_site_or_counter_is_refused(
    member: Member, anonymous: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    assert (await _create(member, authenticator)).status_code == 201
    known = {"credential_id": authenticator.credential_id, "user_handle": authenticator.user_handle}
    other_key = Authenticator(authenticator.origin, **known)  # type: ignore[arg-type]
    other_site = Authenticator("https://evil.example", key=authenticator.key, **known)  # type: ignore[arg-type]
    unverified = Authenticator(
        authenticator.origin,
        is_user_verified=False,
        key=authenticator.key,
        **known,  # type: ignore[arg-type]
    )
    foreign = Authenticator(
        authenticator.origin,
        key=authenticator.key,
        credential_id=authenticator.credential_id,
        user_handle=encode(b"usr_somebody_else"),
    )
    for lying in (other_key, other_site, unverified, foreign):
        signature = await _signature(anonymous, lying)
        assert (await anonymous.post(LOGIN, json=signature)).status_code == 401
    authenticator.sign_count = 5
    assert (await anonymous.post(LOGIN, json=await _signature(anonymous, authenticator))).is_success
    authenticator.sign_count = 2  # a copy of the key that was used less
    signature = await _signature(anonymous, authenticator)
    assert (await anonymous.post(LOGIN, json=signature)).status_code == 401


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 1},
        {"id": "x", "rawId": "x", "type": "public-key", "response": []},
        {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA"}},
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {"clientDataJSON": "bnVsbA", "attestationObject": "oA"},
        },
    ],
)
async def test_malformed_credential_is_refused_and_no_server_error(
    member: Member,
    anonymous: httpx.AsyncClient,
    authenticator: Authenticator,
    credential: dict[str, Any],
) -> None:
    assert (await _create(member, authenticator)).status_code == 201
    options = (await member.browser.post(OPTIONS)).json()
    body = {"challengeId": options["challengeId"], "credential": credential, "name": "x"}
    assert (await member.browser.post(PASSKEYS, json=body)).status_code == 400
    for own in (credential, {**credential, "id": encode(authenticator.credential_id)}):
        options = (await anonymous.post(LOGIN_OPTIONS)).json()
        body = {"challengeId": options["challengeId"], "credential": own}
        assert (await anonymous.post(LOGIN, json=body)).status_code == 401


async def test_reauthenticate_by_passkey_of_the_account_is_a_recent_login(
    member: Member, stranger: Member, services: Services, authenticator: Authenticator
) -> None:
    theirs = Authenticator(authenticator.origin)
    assert (await _create(member, authenticator)).status_code == 201
    assert (await _create(stranger, theirs)).status_code == 201
    await _make_login_old(services, member)
    assert (await member.browser.post(OPTIONS)).status_code == 403
    path = "/api/auth/reauthenticate"
    signature = await _signature(member.browser, theirs)
    assert (await member.browser.post(path, json=signature)).status_code == 401
    signature = await _signature(member.browser, authenticator)
    assert (await member.browser.post(path, json=signature)).status_code == 204
    assert (await member.browser.post(OPTIONS)).status_code == 200


async def test_reset_of_unconfirmed_account_ends_factors_that_somebody_else_left(
    member: Member, anonymous: httpx.AsyncClient, authenticator: Authenticator, box: Mailbox
) -> None:
    """Somebody who signed up with another's address must not keep a way in, nor lock them out."""
    assert (await _create(member, authenticator)).status_code == 201
    await anonymous.post("/api/auth/reset-password", json={"email": member.email})
    await afterwards.finish(10)
    token = box.received[-1][1].get_content().partition("#token=")[2].split()[0]
    body = {"token": token, "password": "the owner's own"}
    assert (await anonymous.post("/api/auth/reset-password", json=body)).status_code == 200
    signature = await _signature(anonymous, authenticator)
    assert (await anonymous.post(LOGIN, json=signature)).status_code == 401
