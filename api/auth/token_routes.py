"""Bearer tokens: a code for a program that a signed-in person lets in, and tokens for it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from typing import NoReturn
from urllib.parse import unquote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from api.access import PUBLIC, SIGNED_IN
from api.auth.scopes import scopes_of
from api.auth.token_schemas import Authorize, Authorized, TokenAnswer, TokenRequest
from api.auth.tokens import CodeRequest, Issued, make_code, redeem_code, refresh, token_of_key
from api.call import Call, Facts, Reply
from api.endpoint import endpoint
from core.errors import Unauthorized, ValidationFailed


@endpoint("POST", "/api/auth/authorize", access=SIGNED_IN, status=201, recent_login=True)
async def authorize(call: Call, body: Authorize) -> Authorized:
    """Grant a program a scope: make a code that it exchanges, within a minute, for tokens."""
    asked = CodeRequest(body.client_id, body.redirect_uri, body.code_challenge)
    scopes = scopes_of(body.scope)
    session_id = call.caller.identity.credential_id
    code, expires_at = await make_code(call.services.store, session_id, asked, scopes)
    answer = {"code": code} if body.state is None else {"code": code, "state": body.state}
    joint = "&" if "?" in body.redirect_uri else "?"
    redirect_to = f"{body.redirect_uri}{joint}{urlencode(answer)}"
    return Authorized(code=code, redirect_to=redirect_to, expires_at=expires_at)


@endpoint(
    "POST",
    "/api/auth/token",
    access=PUBLIC,
    form=True,
    answers={200: TokenAnswer},
    errors=(Unauthorized,),
    gives={200: ("Cache-Control",)},
)
async def token(call: Call, body: TokenRequest) -> Reply:
    """Give an access token for a code, a refresh token or an API key (RFC 6749)."""
    grants = {
        "authorization_code": _of_code,
        "refresh_token": _of_refresh_token,
        "client_credentials": _of_key,
    }
    issued = await grants[body.grant_type](call, body)
    return Reply(TokenAnswer(**asdict(issued)), headers={"Cache-Control": "no-store"})


async def _of_code(call: Call, body: TokenRequest) -> Issued:
    code = body.code or _missing("code")
    asked = CodeRequest(
        body.client_id or _missing("client_id"),
        body.redirect_uri or _missing("redirect_uri"),
        create_s256_code_challenge(body.code_verifier or _missing("code_verifier")),
    )
    return await redeem_code(call.services.store, call.services.settings, code, asked, body.scope)


async def _of_refresh_token(call: Call, body: TokenRequest) -> Issued:
    given = body.refresh_token or _missing("refresh_token")
    return await refresh(
        call.services.store, call.services.settings, given, body.client_id, body.scope
    )


async def _of_key(call: Call, body: TokenRequest) -> Issued:
    key = call.request.headers.get("X-Api-Key") or body.client_secret or _basic(call.request)
    if not key:
        raise Unauthorized("Send an API key: as client_secret, by Basic, or as x-api-key.")
    return await token_of_key(call.services.store, call.services.settings, key, body.scope)


def _basic(facts: Facts) -> str | None:
    """Return the secret of HTTP Basic, which OAuth's clients encode as in a form."""
    scheme, _, encoded = facts.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(plain.partition(":")[2])


def _missing(name: str) -> NoReturn:
    said = f"Correct these fields and send it again: {name}."
    raise ValidationFailed.at(name, "This grant type needs it.", "missing", sentence=said)
