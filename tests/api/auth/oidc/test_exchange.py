"""What a provider's answer must hold, and each way in which it does not."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import SecretStr

from api.auth.oidc.discovery import Issuer
from api.auth.oidc.exchange import Attempt, Exchange, SignInFailed
from core.config import OAuthProvider, Settings
from core.http import HttpClient
from tests.api.conftest import TLS
from tests.stand_ins.oidc import CLIENT, SECRET, Claims, OidcProvider, oidc_provider, unsigned

ATTEMPT = Attempt("the nonce", "v" * 43, "https://nuxa.example/api/auth/callback/acme")


@dataclass(frozen=True)
class Pair:
    """A provider, and our side of the exchange with it."""

    provider: OidcProvider
    exchange: Exchange

    async def claims(self, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
        """Get a code for ``ATTEMPT`` at the provider's page, and exchange it."""
        asked = {
            "client_id": CLIENT,
            "redirect_uri": ATTEMPT.redirect_uri,
            "response_type": "code",
            "scope": "openid email",
            "state": "s",
            "nonce": ATTEMPT.nonce,
            "code_challenge": create_s256_code_challenge(ATTEMPT.verifier),
            "code_challenge_method": "S256",
        }
        async with httpx.AsyncClient(timeout=30, verify=TLS) as browser:
            answer = await browser.get(f"{self.provider.issuer}/authorize?{urlencode(asked)}")
        (code,) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
        return await self.exchange.claims(code, attempt)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with oidc_provider() as provider:
        provider.redirect_uri = ATTEMPT.redirect_uri
        secret = SecretStr(SECRET)
        known = OAuthProvider(issuer=provider.issuer, client_id=CLIENT, client_secret=secret)
        http = HttpClient(Settings())
        yield Pair(provider, Exchange(http, known, Issuer(provider.issuer)))
        await http.close()


async def test_what_holds_is_returned(pair: Pair) -> None:
    claims = await pair.claims()
    assert (claims["sub"], claims["email"]) == ("248289761001", "ada@example.com")


@pytest.mark.parametrize(
    "other",
    [
        Attempt("the nonce", "w" * 43, ATTEMPT.redirect_uri),
        Attempt("the nonce", "v" * 43, "https://nuxa.example/other"),
        Attempt("another", "v" * 43, ATTEMPT.redirect_uri),
    ],
)
async def test_a_code_of_another_attempt_is_refused(pair: Pair, other: Attempt) -> None:
    with pytest.raises(SignInFailed):
        await pair.claims(other)


_NOW = int(time.time())


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": ["nuxa", "somebody-else"]},
        {"aud": ["nuxa", "somebody-else"], "azp": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": _NOW - 3600},
        {"exp": None},
        {"iat": _NOW + 3600},
        {"nbf": _NOW + 3600},
        {"sub": ""},
        {"sub": None},
        {"at_hash": "wrong"},
    ],
)
async def test_an_id_token_that_does_not_hold_is_refused(pair: Pair, lie: Claims) -> None:
    def changed(claims: Claims) -> Claims:
        return {name: value for name, value in (claims | lie).items() if value is not None}

    pair.provider.claims = changed
    with pytest.raises(SignInFailed):
        await pair.claims()


@cache
def _thiefs_key() -> RSAKey:
    return RSAKey.generate_key(2048)


def _with_key_of_a_thief(provider: OidcProvider) -> Callable[[Claims], str]:
    thief = _thiefs_key()
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, thief)


def _with_an_unknown_key(provider: OidcProvider) -> Callable[[Claims], str]:
    thief = _thiefs_key()
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "two"}, claims, thief)


def _with_the_public_key_as_secret(provider: OidcProvider) -> Callable[[Claims], str]:
    public = provider.key.as_pem(private=False)

    def sign(claims: Claims) -> str:
        parts = ({"alg": "HS256", "kid": "one"}, claims)
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{signed}.{_base64(hmac.digest(public, signed.encode(), 'sha256'))}"

    return sign


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "how",
    [
        _with_key_of_a_thief,
        _with_an_unknown_key,
        _with_the_public_key_as_secret,
        lambda provider: unsigned,
        lambda provider: lambda claims: "not.a.token",
        lambda provider: lambda claims: provider.signed(claims)[:-4] + "AAAA",
    ],
)
async def test_a_forged_signature_is_refused(pair: Pair, how: Any) -> None:
    pair.provider.sign = how(pair.provider)
    with pytest.raises(SignInFailed):
        await pair.claims()


async def test_a_rotated_key_is_fetched(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await pair.claims()
    provider = pair.provider
    provider.key = ECKey.generate_key("P-256", {"kid": "new", "use": "sig"})
    provider.keys = KeySet([provider.key])
    provider.sign = lambda claims: jwt.encode({"alg": "ES256", "kid": "new"}, claims, provider.key)
    monkeypatch.setattr("api.auth.oidc.discovery._BETWEEN_KEYS_SECONDS", -1)
    assert await pair.claims()


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
async def test_the_secret_is_sent_as_the_provider_takes_it(pair: Pair, methods: list[str]) -> None:
    pair.provider.metadata = {"token_endpoint_auth_methods_supported": methods}
    assert await pair.claims()
    (asked,) = [asked for asked in pair.provider.server.asked if asked.path == "/token"]
    assert ("authorization" in asked.headers) == (methods == ["client_secret_basic"])


async def test_userinfo_about_somebody_else_is_refused(pair: Pair) -> None:
    pair.provider.in_token = ()
    pair.provider.userinfo = {**pair.provider.user, "sub": "another"}
    with pytest.raises(SignInFailed):
        await pair.claims()
