"""A workflow's mailbox, set by the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Member
from tests.api.workflows.test_webhooks import Hook, hook

__all__ = ["hook"]

MAILBOX: dict[str, Any] = {
    "host": "imap.example.com",
    "username": "in@example.com",
    "passwordSecret": "MAIL_PASSWORD",
}


async def test_put_mail_trigger_sets_what_get_returns_until_it_is_deleted(
    hook: Hook, member: Member, stranger: Member
) -> None:
    path = f"/api/workflows/{await hook()}/mail"
    assert (await member.program.get(path)).status_code == 404
    put = await member.program.put(path, json=MAILBOX)
    assert put.status_code == 200, put.text
    answer = put.json()
    assert (answer["port"], answer["folder"], answer["enabled"]) == (993, "INBOX", True)
    assert (answer["polledAt"], answer["error"]) == (None, None)
    again = await member.program.put(path, json={**MAILBOX, "enabled": False})
    assert again.json()["enabled"] is False
    assert (await member.program.get(path)).json() == again.json()
    for ask in (stranger.program.get(path), stranger.program.delete(path)):
        assert (await ask).status_code == 404
    assert (await member.program.delete(path)).status_code == 204
    assert (await member.program.get(path)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "imap.example.com/x"},
        {"username": "a\r\nb"},
        {"folder": "IN\x00BOX"},
        {"passwordSecret": "not a name"},
        {"port": 0},
        {"intervalSeconds": 1},
    ],
)
async def test_put_mail_trigger_with_wrong_field_is_a_validation_error(
    hook: Hook, member: Member, wrong: dict[str, Any]
) -> None:
    path = f"/api/workflows/{await hook()}/mail"
    answer = await member.program.put(path, json={**MAILBOX, **wrong})
    assert answer.status_code == 400, answer.text


async def test_put_mail_trigger_of_a_draft_is_a_conflict(
    hook: Hook, member: Member, anonymous: httpx.AsyncClient
) -> None:
    path = f"/api/workflows/{await hook(deploy=False)}/mail"
    assert (await member.program.put(path, json=MAILBOX)).status_code == 409
    assert (await anonymous.put(path, json=MAILBOX)).status_code == 401
