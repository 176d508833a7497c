"""What the token endpoint takes, and what it refuses before it looks at a token."""

from __future__ import annotations

import httpx
import pytest

from core.security import new_token
from tests.api.conftest import Member


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"grant_type": "client_credentials"}, 401),
        ({"grant_type": "client_credentials", "client_secret": "nuxa_made_up"}, 401),
        ({"grant_type": "password"}, 400),
        ({"grant_type": "authorization_code", "code": "x"}, 400),
        ({"grant_type": "refresh_token"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "x", "extra": "y"}, 400),
        ({}, 400),
    ],
)
async def test_a_request_without_what_its_grant_needs_is_refused(
    anonymous: httpx.AsyncClient, fields: dict[str, str], status: int
) -> None:
    for body in ({"json": fields}, {"data": fields}):
        answer = await anonymous.post("/api/auth/token", **body)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("body", [b"grant_type=a&grant_type=b", b"nothing", b"a=%ff", b"a=%00"])
async def test_a_broken_form_is_refused(anonymous: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await anonymous.post("/api/auth/token", content=body, headers=headers)
    assert answer.status_code == 400


async def test_a_form_is_taken_by_the_token_endpoint_only(member: Member) -> None:
    fields = {"name": new_token()}
    assert (await member.browser.patch("/api/user", data=fields)).status_code == 415
