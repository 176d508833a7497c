"""An address belongs to an account once its reader, signed in to the account, has confirmed it."""

from __future__ import annotations

import re

import httpx

from api import afterwards
from tests.api.conftest import Member, SignUp
from tests.mailbox import Mailbox

VERIFY = "/api/auth/verify-email"
CHANGE = "/api/user/email"
CONFIRM = "/api/user/email/confirm"


async def _last_token(box: Mailbox, to: str) -> str:
    await afterwards.finish(10)
    texts = [message.get_content() for address, message in box.received if address == to]
    return str(re.findall(r"#token=(\S+)", texts[-1])[0])


async def _is_verified(person: Member) -> bool:
    return bool((await person.browser.get("/api/user")).json()["emailVerified"])


async def test_sign_up_mails_a_link_that_confirms_the_address_once(
    box: Mailbox, sign_up: SignUp
) -> None:
    person = await sign_up()
    token = {"token": await _last_token(box, person.email)}
    assert not await _is_verified(person)
    confirmed = await person.browser.post(VERIFY, json=token)
    assert (confirmed.status_code, confirmed.json()["emailVerified"]) == (200, True)
    assert await _is_verified(person)
    assert (await person.browser.post(VERIFY, json=token)).status_code == 400
    assert (await person.browser.post(f"{VERIFY}/resend")).status_code == 409


async def test_verify_email_without_session_of_the_account_confirms_nothing(
    box: Mailbox, sign_up: SignUp, anonymous: httpx.AsyncClient
) -> None:
    person, other = await sign_up(), await sign_up()
    token = {"token": await _last_token(box, person.email)}
    assert (await anonymous.post(VERIFY, json=token)).status_code == 401
    assert (await person.program.post(VERIFY, json=token)).status_code == 403
    assert (await other.browser.post(VERIFY, json=token)).status_code == 400
    assert not await _is_verified(person)
    assert not await _is_verified(other)
    resent = await person.browser.post(f"{VERIFY}/resend")
    assert (resent.status_code, resent.json()) == (202, {"email": person.email})
    token = {"token": await _last_token(box, person.email)}
    assert (await person.browser.post(VERIFY, json=token)).status_code == 200


async def test_change_email_counts_once_confirmed_and_tells_the_old_address(
    box: Mailbox, sign_up: SignUp, anonymous: httpx.AsyncClient
) -> None:
    person, new = await sign_up(), "new@example.com"
    verification = {"token": await _last_token(box, person.email)}
    reset = {"email": person.email}
    assert (await anonymous.post("/api/auth/reset-password", json=reset)).status_code == 200
    old_link = await _last_token(box, person.email)
    asked = await person.browser.post(CHANGE, json={"email": "New@Example.com"})
    assert (asked.status_code, asked.json()) == (202, {"email": new})
    token = {"token": await _last_token(box, new)}
    assert (await person.browser.get("/api/user")).json()["email"] == person.email
    changed = await person.browser.post(CONFIRM, json=token)
    assert changed.status_code == 200
    assert (changed.json()["email"], changed.json()["emailVerified"]) == (new, True)
    await afterwards.finish(10)
    assert box.received[-1][0] == person.email
    assert (await person.browser.post(CONFIRM, json=token)).status_code == 400
    assert (await person.browser.post(VERIFY, json=verification)).status_code == 400
    # Whoever reads the old address has no hold on the account any more.
    taken = {"token": old_link, "password": "taken over by mail"}
    assert (await anonymous.post("/api/auth/reset-password", json=taken)).status_code == 400
    login = {"email": new, "password": person.password}
    assert (await anonymous.post("/api/auth/login", json=login)).status_code == 200


async def test_change_email_to_address_in_use_answers_alike_and_changes_nothing(
    box: Mailbox, sign_up: SignUp
) -> None:
    person, other = await sign_up(), await sign_up()
    asked = await person.browser.post(CHANGE, json={"email": other.email})
    assert (asked.status_code, asked.json()) == (202, {"email": other.email})
    token = {"token": await _last_token(box, other.email)}
    assert (await other.browser.post(CONFIRM, json=token)).status_code == 400
    await person.browser.post(CHANGE, json={"email": other.email})
    token = {"token": await _last_token(box, other.email)}
    assert (await person.browser.post(CONFIRM, json=token)).status_code == 409
    assert (await person.browser.get("/api/user")).json()["email"] == person.email
