"""From the code that a browser brings back to who the provider says it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from api.auth.oidc.discovery import Issuer, Metadata
from core.config import OAuthProvider
from core.errors import Unauthorized, UpstreamError
from core.http import Answer, HttpClient, Outgoing

# Only signatures that nobody but the issuer can make: no shared secret, and never "none".
_ALGORITHMS: Final = ("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519").split()
_LEEWAY_SECONDS: Final = 60


class SignInFailed(Unauthorized):
    """What the provider or the browser brought does not hold."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} Start again at the sign-in page.")


@dataclass(frozen=True)
class Attempt:
    """What was sent along when the browser left, and must come back."""

    nonce: str
    verifier: str
    redirect_uri: str


@dataclass(frozen=True)
class Exchange:
    """One provider's side of the exchange."""

    http: HttpClient
    provider: OAuthProvider
    issuer: Issuer

    async def claims(self, code: str, attempt: Attempt) -> dict[str, Any]:
        """Return the checked claims of who signed in, with those of userinfo where e-mail lacks.

        Raises ``SignInFailed`` for a code or token that does not hold, ``UpstreamError`` where
        the provider fails.
        """
        metadata = await self.issuer.metadata(self.http)
        tokens = await self._tokens(metadata, code, attempt)
        claims = await self._checked(tokens, attempt.nonce)
        if "email" not in claims and metadata.userinfo_endpoint and "access_token" in tokens:
            more = await self._userinfo(metadata.userinfo_endpoint, tokens["access_token"])
            if more.get("sub") != claims["sub"]:
                raise SignInFailed("The provider's userinfo is about somebody else.")
            claims = {**more, **claims}
        return claims

    async def _tokens(self, metadata: Metadata, code: str, attempt: Attempt) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=attempt.redirect_uri,
            code_verifier=attempt.verifier,
        )
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url, headers, body = self._client_auth(metadata).prepare(
            "POST", metadata.token_endpoint, headers, body
        )
        answer = await self._call(Outgoing("POST", url, headers, body.encode()))
        tokens = answer.json() if answer.is_success else None
        if not isinstance(tokens, dict) or not isinstance(tokens.get("id_token"), str):
            raise SignInFailed("The provider did not take the code.")
        return tokens

    def _client_auth(self, metadata: Metadata) -> ClientAuth:
        secret = self.provider.client_secret
        if secret is None:
            return ClientAuth(self.provider.client_id, None, "none")
        methods = metadata.token_endpoint_auth_methods_supported
        is_basic = "client_secret_basic" in methods
        method = "client_secret_basic" if is_basic else "client_secret_post"
        return ClientAuth(self.provider.client_id, secret.get_secret_value(), method)

    async def _checked(self, tokens: dict[str, Any], nonce: str) -> dict[str, Any]:
        """Check signature, issuer, audience, times, nonce and the access token's hash."""
        client_id = self.provider.client_id
        try:
            kid = extract_compact(tokens["id_token"].encode()).headers().get("kid")
            keys = await self.issuer.keys(self.http, kid)
            token = jwt.decode(tokens["id_token"], keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self.provider.issuer},
                    "aud": {"essential": True, "value": client_id},
                    "sub": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                params={
                    "nonce": nonce,
                    "client_id": client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInFailed("The provider's ID token does not hold.") from error
        return dict(claims)

    async def _userinfo(self, url: str, access_token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        answer = await self._call(Outgoing("GET", url, headers))
        data = answer.json() if answer.is_success else None
        return data if isinstance(data, dict) else {}

    async def _call(self, call: Outgoing) -> Answer:
        trusted = Outgoing(
            call.method,
            call.url,
            call.headers,
            call.body,
            redirects=0,
            trusting=self.provider.issuer,
        )
        answer = await self.http.request(trusted)
        if answer.status >= 500:
            raise UpstreamError("The provider fails at the moment; try again soon.")
        return answer
