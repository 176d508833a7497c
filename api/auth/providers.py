"""Signing in by a provider: the way there, and the way back."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import ConfigDict

from api.access import PUBLIC
from api.auth.accounts import open_session
from api.auth.cookies import cookie, session_cookie
from api.auth.oidc.discovery import Issuer
from api.auth.oidc.exchange import Attempt, Exchange, SignInFailed
from api.auth.oidc.linking import Person, user_of
from api.auth.paths import own_path
from api.auth.second_factor import challenge_of
from api.call import Call, Reply
from api.endpoint import endpoint
from api.wire import Wire
from core import tickets
from core.config import OAuthProvider, Settings
from core.errors import Conflict, Forbidden, NotFound, Unauthorized, UpstreamError
from core.security import hash_token, new_token

BROWSER_COOKIE: Final = "nuxa_sign_in"
_SECONDS: Final = 600
_CALLBACK: Final = "/api/auth/callback"
_issuers: Final[dict[str, Issuer]] = {}


class LoginQuery(Wire):
    """``next`` is the path of this site to go to afterwards."""

    next: str = "/"


class CallbackQuery(Wire):
    """What a provider sends a browser back with (RFC 6749, RFC 9207); it may add more."""

    model_config = ConfigDict(alias_generator=None, extra="ignore")

    state: str | None = None
    code: str | None = None
    iss: str | None = None
    error: str | None = None


@endpoint(
    "GET",
    "/api/auth/login/<provider>",
    access=PUBLIC,
    status=302,
    answers={302: None},
    gives={302: ("Location",)},
    errors=(UpstreamError,),
)
async def begin(call: Call, provider: str, query: LoginQuery) -> Reply:
    """Send the browser to a provider, remembering what must come back with it."""
    services, settings = call.services, call.services.settings
    chosen, after = _chosen(settings, provider), own_path(query.next)
    metadata = await _issuer(chosen).metadata(services.http)
    browser, nonce, verifier = new_token(), new_token(), new_token()
    value = {
        "provider": provider,
        "browser": hash_token(browser),
        "nonce": nonce,
        "verifier": verifier,
        "next": after,
    }
    state = await tickets.issue(services.redis, "oauth", value, _SECONDS)
    url = prepare_grant_uri(
        metadata.authorization_endpoint,
        chosen.client_id,
        "code",
        redirect_uri=_redirect_uri(settings, provider),
        scope=" ".join(chosen.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return _moved(url, cookie(BROWSER_COOKIE, browser, _SECONDS, call, _CALLBACK))


@endpoint(
    "GET",
    "/api/auth/callback/<provider>",
    access=PUBLIC,
    status=302,
    answers={302: None},
    gives={302: ("Location",)},
    errors=(Unauthorized, Forbidden, Conflict, UpstreamError),
)
async def come_back(call: Call, provider: str, query: CallbackQuery) -> Reply:
    """Sign in whom the provider vouches for, if this browser is the one that left."""
    services, settings = call.services, call.services.settings
    chosen = _chosen(settings, provider)
    value = await tickets.redeem(services.redis, "oauth", query.state or "")
    browser = hash_token(call.request.cookies.get(BROWSER_COOKIE, ""))
    if value is None or not hmac.compare_digest(value["browser"], browser):
        raise SignInFailed("This sign-in did not begin in this browser, or took too long.")
    if value["provider"] != provider or query.iss not in (None, chosen.issuer):
        raise SignInFailed("This answer comes from another provider.")
    if query.code is None:
        raise SignInFailed("The provider let nobody in.")
    attempt = Attempt(value["nonce"], value["verifier"], _redirect_uri(settings, provider))
    exchange = Exchange(services.http, chosen, _issuer(chosen))
    person = Person.of(await exchange.claims(query.code, attempt))
    user = await user_of(services.store, settings, person)
    forget = cookie(BROWSER_COOKIE, "", 0, call, _CALLBACK)
    challenge = await challenge_of(services, user)
    if challenge is not None:  # behind a #, since no log and no Referer has it
        after = quote(value["next"], safe="")
        return _moved(f"/second-factor#challenge={challenge}&next={after}", forget)
    made = await open_session(call, user)
    return _moved(value["next"], session_cookie(made.token, call), forget)


def _chosen(settings: Settings, name: str) -> OAuthProvider:
    chosen = settings.oauth_providers.get(name)
    if chosen is None:
        raise NotFound("There is no such provider here; see NUXA_OAUTH_PROVIDERS.")
    return chosen


def _issuer(provider: OAuthProvider) -> Issuer:
    return _issuers.setdefault(provider.issuer, Issuer(provider.issuer))


def _redirect_uri(settings: Settings, name: str) -> str:
    return f"{settings.base_url}{_CALLBACK}/{name}"


def _moved(where: str, *cookies: str) -> Reply:
    return Reply(status=302, headers={"Location": where}, cookies=cookies)
