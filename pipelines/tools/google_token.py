"""Access tokens of Google: https://developers.google.com/identity/protocols/oauth2/web-server."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from core.http import Outgoing, form_body
from pipelines.tools.base import Reach
from pipelines.tools.upstream import refused, said_in, understood

ACCESS: Final = "GMAIL_ACCESS_TOKEN"
REFRESH: Final = "GMAIL_REFRESH_TOKEN"
CLIENT_ID: Final = "GMAIL_CLIENT_ID"
CLIENT_SECRET: Final = "GMAIL_CLIENT_SECRET"  # noqa: S105 - the name of a secret, not a secret
# An access token ends after an hour, so where a refresh token is saved that one counts.
WAYS: Final = ((REFRESH, CLIENT_ID, CLIENT_SECRET), (ACCESS,))


class _Token(BaseModel):
    access_token: str


async def access_token(reach: Reach) -> str:
    """Return an access token: a fresh one by the refresh token, else the one that is saved."""
    saved = reach.credentials
    if REFRESH not in saved:
        return saved[ACCESS]
    url = reach.services.settings.google_token_url
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": saved[REFRESH],
        "client_id": saved[CLIENT_ID],
        "client_secret": saved[CLIENT_SECRET],
    }
    answer = await reach.services.http.request(
        Outgoing(
            "POST",
            url,
            {"Content-Type": "application/x-www-form-urlencoded"},
            form_body(fields),
            redirects=0,
            trusting=url,
        )
    )
    if answer.status != 200:
        reason = said_in(answer, "error")
        said = said_in(answer, "error_description") or reason
        is_ours = reason in ("invalid_grant", "invalid_client", "unauthorized_client")
        raise refused("Google", answer, said, reason, 401 if is_ours else None)
    return understood("Google", _Token, answer).access_token
