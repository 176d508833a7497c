"""Bodies and answers of bearer tokens; those of the token endpoint are named as in RFC 6749."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, StringConstraints

from api.auth.scopes import ScopeText
from api.wire import Wire, left_away

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_ODD: Final = re.compile(r"[\s\\#\x00-\x20\x7f]")


def _where_a_code_may_go(uri: str) -> str:
    """Let in https, a program on the same machine, and an app's own scheme (RFC 8252)."""
    parts = urlsplit(uri)
    is_safe = (
        (parts.scheme == "https" and bool(parts.hostname))
        or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        or ("." in parts.scheme and not parts.netloc)
    )
    if not is_safe or _ODD.search(uri) or parts.username is not None:
        raise ValueError("must be https, http on this machine, or an app's own scheme, without #")
    return uri


ClientId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
RedirectUri = Annotated[
    str, StringConstraints(max_length=2000), AfterValidator(_where_a_code_may_go)
]
Secret = Annotated[str, StringConstraints(max_length=500)]
Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Verifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]


class Authorize(Wire):
    """``codeChallenge`` is the verifier's SHA-256 in base64url, without padding (PKCE S256).

    ``scope`` is separated by spaces, as in `read files:write`; without it, `read write`.
    """

    client_id: ClientId
    redirect_uri: RedirectUri
    code_challenge: Challenge
    code_challenge_method: Literal["S256"]
    scope: ScopeText | None = None
    state: Annotated[str, StringConstraints(max_length=500)] | None = None


class Authorized(Wire):
    """``redirectTo`` is the redirect URI with code and state: where to send the browser."""

    code: str
    redirect_to: str
    expires_at: datetime


class _AsInRfc6749(Wire):
    model_config = ConfigDict(alias_generator=None)


class TokenRequest(_AsInRfc6749):
    """``authorization_code`` needs ``code``, ``client_id``, ``redirect_uri`` and
    ``code_verifier``; ``refresh_token`` needs ``refresh_token``; ``client_credentials`` needs an
    API key, as ``client_secret``, by HTTP Basic or in the header x-api-key.

    ``scope`` may ask for no more than was granted; the answer says which scope the token has."""

    grant_type: Literal["authorization_code", "refresh_token", "client_credentials"]
    code: Secret | None = None
    client_id: ClientId | None = None
    redirect_uri: RedirectUri | None = None
    code_verifier: Verifier | None = None
    refresh_token: Secret | None = None
    client_secret: Secret | None = None
    scope: ScopeText | None = None


class TokenAnswer(_AsInRfc6749):
    """``expires_in`` is in seconds; a token for an API key has no ``refresh_token``."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750's name of the kind
    expires_in: int
    scope: str
    refresh_token: str | None = left_away()
