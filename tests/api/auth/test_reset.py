"""A new password by mail."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

import httpx
import pytest
import structlog

from api import afterwards
from api.auth.accounts import check_password
from core.config import Settings
from core.services import Services
from core.store.users import User
from tests.api.conftest import Member
from tests.mailbox import Mailbox

PATH = "/api/auth/reset-password"
NEW = "a new password"


async def _ask(client: httpx.AsyncClient, email: str) -> httpx.Response:
    answer = await client.post(PATH, json={"email": email})
    await afterwards.finish(10)
    return answer


async def _token(client: httpx.AsyncClient, box: Mailbox, email: str) -> str:
    assert (await _ask(client, email)).status_code == 200
    to, message = box.received[-1]
    assert to == email
    (token,) = re.findall(r"/reset-password#token=(\S+)", message.get_content())
    return str(token)


async def _set(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.post(PATH, json={"token": token, "password": password})


async def _login(client: httpx.AsyncClient, email: str, password: str) -> int:
    account = {"email": email, "password": password}
    return (await client.post("/api/auth/login", json=account)).status_code


async def test_a_link_sets_a_password_once_and_ends_every_session(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    token = await _token(anonymous, box, member.email)
    assert (await _set(anonymous, token)).status_code == 200
    assert (await member.browser.get("/api/user")).status_code == 401
    assert await _login(anonymous, member.email, member.password) == 401
    assert await _login(anonymous, member.email, NEW) == 200
    assert (await anonymous.get("/api/user")).json()["emailVerified"] is True
    again = await _set(anonymous, token, "yet another one")
    assert again.status_code == 400
    assert again.json()["error"]["details"]["issues"][0]["path"] == "token"
    assert await _login(anonymous, member.email, NEW) == 200


async def test_a_sign_in_under_way_with_the_old_password_does_not_slip_through(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await _token(anonymous, box, member.email)

    async def check_and_be_overtaken(*given: Any) -> User | None:
        user = await check_password(*given)
        assert (await _set(anonymous, token)).status_code == 200
        return user

    monkeypatch.setattr("api.auth.routes.check_password", check_and_be_overtaken)
    assert await _login(anonymous, member.email, member.password) == 401
    assert (await anonymous.get("/api/user")).status_code == 401


async def test_reset_of_unconfirmed_address_says_that_keys_end_and_ends_them(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    token = await _token(anonymous, box, member.email)
    assert '"revokeApiKeys": false' in box.received[-1][1].get_content()
    assert (await _set(anonymous, token)).json() == {"success": True, "revokedApiKeys": 1}
    assert (await member.program.get("/api/user")).status_code == 401
    assert await _login(anonymous, member.email, NEW) == 200
    made = (await anonymous.post("/api/auth/api-keys", json={"name": "mine"})).json()
    token = await _token(anonymous, box, member.email)
    assert "revokeApiKeys" not in box.received[-1][1].get_content()
    assert (await _set(anonymous, token)).json() == {"success": True, "revokedApiKeys": 0}
    key = {"x-api-key": made["key"]}
    assert (await anonymous.get("/api/user", headers=key)).status_code == 200


@pytest.mark.parametrize(("revokes", "status"), [(False, 200), (True, 401)])
async def test_reset_with_revoke_api_keys_does_as_it_says(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox, revokes: bool, status: int
) -> None:
    body = {"token": await _token(anonymous, box, member.email), "password": NEW}
    answer = await anonymous.post(PATH, json=body | {"revokeApiKeys": revokes})
    assert answer.json()["revokedApiKeys"] == int(revokes)
    assert (await member.program.get("/api/user")).status_code == status


async def test_the_answer_does_not_tell_whether_there_is_an_account(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    known = await _ask(anonymous, member.email)
    unknown = await _ask(anonymous, "nobody@example.com")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert [to for to, _ in box.received] == [member.email]


async def test_the_answer_is_the_same_when_the_mail_server_fails(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    box.refuses = True
    assert (await _ask(anonymous, member.email)).status_code == 200
    box.refuses = False
    assert await _token(anonymous, box, member.email)


async def test_links_for_an_older_password_do_not_work(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    first = await _token(anonymous, box, member.email)
    second = await _token(anonymous, box, member.email)
    assert (await _set(anonymous, second)).status_code == 200
    assert (await _set(anonymous, first)).status_code == 400


async def test_a_token_is_kept_for_an_hour_and_as_a_hash(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox, services: Services
) -> None:
    token = await _token(anonymous, box, member.email)
    (key,) = await services.redis.keys("ticket:reset:*")
    assert token not in key.decode()
    assert 0 < await services.redis.ttl(key) <= 3600
    await services.redis.delete(key)  # as if the hour were over
    assert (await _set(anonymous, token)).status_code == 400


async def test_a_weak_password_does_not_use_the_link_up(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    token = await _token(anonymous, box, member.email)
    assert (await _set(anonymous, token, "short")).status_code == 400
    assert (await _set(anonymous, token)).status_code == 200


async def test_half_a_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    for body in (
        {},
        {"token": "t"},
        {"password": NEW},
        {"email": "a@example.com", "password": NEW},
        {"email": "a@example.com", "token": "t", "password": NEW},
        {"email": "nobody"},
    ):
        assert (await anonymous.post(PATH, json=body)).status_code == 400


async def test_who_asks_too_often_waits(anonymous: httpx.AsyncClient, box: Mailbox) -> None:
    for number in range(20):
        answer = await anonymous.post(PATH, json={"email": f"n{number}@example.com"})
        assert answer.status_code == 200
    answer = await anonymous.post(PATH, json={"email": "n@example.com"})
    assert (answer.status_code, answer.json()["error"]["details"]) == (429, {"reason": "rate"})


async def test_one_account_gets_few_mails_whoever_asks(
    member: Member, anonymous: httpx.AsyncClient, box: Mailbox
) -> None:
    for _ in range(7):
        assert (await _ask(anonymous, member.email)).status_code == 200
    assert len(box.received) == 5


async def test_send_link_without_mail_server_shows_it_on_the_terminal_alone(
    member: Member, anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    monkeypatch.setenv("NUXA_TERMINAL_FD", str(theirs))
    with structlog.testing.capture_logs() as lines:
        assert (await _ask(anonymous, member.email)).status_code == 200
        shown = (await asyncio.to_thread(os.read, ours, 1000)).decode().strip()
    assert "#token=" not in str(lines)
    assert (await _set(anonymous, shown.partition("#token=")[2])).status_code == 200


async def test_send_link_without_mail_server_and_terminal_is_in_no_log(
    member: Member, anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv("NUXA_TERMINAL_FD", str(writing))
    with structlog.testing.capture_logs() as lines:
        assert (await _ask(anonymous, member.email)).status_code == 200
        await afterwards.finish(30)
    assert "link_not_shown" in [line["event"] for line in lines]
    assert "#token=" not in str(lines)
    os.close(reading)
    os.close(writing)


async def test_without_a_mail_server_production_tells_its_log_and_nobody_else(
    member: Member,
    anonymous: httpx.AsyncClient,
    settings: Settings,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "environment", "production")
    with structlog.testing.capture_logs() as lines:
        answers = [await _ask(anonymous, email) for email in (member.email, "nobody@example.com")]
    assert [(answer.status_code, answer.content) for answer in answers] == [
        (200, answers[0].content)
    ] * 2
    told = [line for line in lines if "NUXA_SMTP_URL" in line["event"]]
    assert len(told) == 2
    assert member.email not in str(told) and "link" not in str(told)
    assert await services.redis.keys("ticket:reset:*") == []
