"""An OpenID Connect provider that refuses what a real one refuses, and lies where a test wants it.

It checks client, secret, redirect URI and PKCE, gives codes that work once, and signs ID tokens.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from tests.stand_in import Asked, Says, StandIn, standing_in

CLIENT, SECRET = "nuxa", "s3cret/+"
Claims = dict[str, Any]


@cache
def _rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class OidcProvider:
    """``user`` is who is signed in there; the callables change what it says."""

    def __init__(self, server: StandIn) -> None:
        self.server = server
        self.issuer = server.url
        self.redirect_uri = ""
        self.user: Claims = {"sub": "248289761001", "email": "ada@example.com"}
        self.user |= {"email_verified": True, "name": "Ada"}
        self.key: RSAKey | ECKey = _rsa_key()
        self.keys = KeySet([self.key])
        self.sign: Callable[[Claims], str] = self.signed
        self.claims: Callable[[Claims], Claims] = lambda claims: claims
        self.metadata: Claims = {}
        self.in_token = ("email", "email_verified", "name")
        self.userinfo: Claims | None = None
        self._codes: dict[str, Claims] = {}
        self._access: dict[str, Claims] = {}
        server.answer = self._answer

    def signed(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def _answer(self, asked: Asked) -> Says:
        pages = {
            ("GET", "/.well-known/openid-configuration"): self._configuration,
            ("GET", "/keys"): lambda _: Says.json(self.keys.as_dict(private=False)),
            ("GET", "/authorize"): self._authorize,
            ("POST", "/token"): self._token,
            ("GET", "/me"): self._me,
        }
        page = pages.get((asked.method, asked.path))
        return page(asked) if page else Says(404)

    def _configuration(self, asked: Asked) -> Says:
        standard = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/me",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }
        return Says.json(standard | self.metadata)

    def _authorize(self, asked: Asked) -> Says:
        given = {name: values[0] for name, values in asked.query.items()}
        is_right = (
            given.get("client_id") == CLIENT
            and given.get("redirect_uri") == self.redirect_uri
            and given.get("response_type") == "code"
            and "openid" in given.get("scope", "").split()
            and given.get("code_challenge_method") == "S256"
            and len(given.get("code_challenge", "")) == 43
        )
        if not is_right:
            return Says(400, body=b"this client may not do this")
        code = secrets.token_urlsafe(16)
        self._codes[code] = given
        back = {"code": code, "state": given["state"], "session_state": "x", "iss": self.issuer}
        return Says.moved(f"{self.redirect_uri}?{urlencode(back)}")

    def _token(self, asked: Asked) -> Says:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if not _knows_secret(asked, form):
            return Says.json({"error": "invalid_client"}, 401)
        begun = self._codes.pop(form.get("code", ""), None)
        is_right = (
            begun is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == begun["redirect_uri"]
            and create_s256_code_challenge(form.get("code_verifier", "")) == begun["code_challenge"]
        )
        if begun is None or not is_right:
            return Says.json({"error": "invalid_grant"}, 400)
        access, now = secrets.token_urlsafe(16), int(time.time())
        self._access[access] = self.user
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"sub": self.user["sub"], "nonce": begun.get("nonce")}
        claims |= {name: self.user[name] for name in self.in_token if name in self.user}
        token = self.sign(self.claims(claims))
        return Says.json({"access_token": access, "token_type": "Bearer", "id_token": token})

    def _me(self, asked: Asked) -> Says:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self._access:
            return Says(401)
        return Says.json(self._access[token] if self.userinfo is None else self.userinfo)


def unsigned(claims: Claims) -> str:
    """Return a token that says of itself that it needs no signature."""
    signed = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("k" * 32))
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{header}.{signed.split('.')[1]}."


def _knows_secret(asked: Asked, form: Claims) -> bool:
    scheme, _, encoded = asked.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        return (unquote(name), unquote(secret)) == (CLIENT, SECRET)
    return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)


@asynccontextmanager
async def oidc_provider() -> AsyncIterator[OidcProvider]:
    """Serve on a free port of loopback until the end of the block."""
    async with standing_in() as server:
        yield OidcProvider(server)
