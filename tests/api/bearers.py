"""Bearer tokens of a member, got as a program gets them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from tests.api.conftest import Member

VERIFIER = "v" * 43
CALLBACK = "http://127.0.0.1:9999/callback"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of RFC 7636, worked out without the code under test."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


ASKED = {
    "clientId": "cli",
    "redirectUri": CALLBACK,
    "codeChallenge": challenge_of(VERIFIER),
    "codeChallengeMethod": "S256",
}


async def tokens_of_session(member: Member, scope: str | None = "admin") -> dict[str, Any]:
    """Return a program's tokens for the member's session; without a scope the usual one."""
    asked = ASKED if scope is None else {**ASKED, "scope": scope}
    code = (await member.browser.post("/api/auth/authorize", json=asked)).json()["code"]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "cli",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    tokens: dict[str, Any] = (await member.browser.post("/api/auth/token", data=fields)).json()
    return tokens


async def bearer_of_session(member: Member) -> str:
    """Return an access token of a program that the member gave all that a program may have."""
    return str((await tokens_of_session(member))["access_token"])


async def bearer_of_key(member: Member) -> str:
    """Return an access token that counts as the member's API key."""
    fields = {"grant_type": "client_credentials"}
    answer = await member.program.post("/api/auth/token", data=fields)
    return str(answer.json()["access_token"])
