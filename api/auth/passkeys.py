"""Passkeys: registered, listed, removed, and signed in with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from webauthn.helpers import bytes_to_base64url

from api.access import PUBLIC, SIGNED_IN
from api.auth import passkey_ceremonies
from api.auth.accounts import open_session
from api.auth.schemas import ChallengeId, SessionAnswer
from api.auth.session_answers import session_reply
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Name, Wire
from core.errors import Conflict, NotFound, Unauthorized
from core.ids import new_id
from core.store.passkeys import Passkey

MAX_PASSKEYS: Final = 50


class PasskeyOptions(Wire):
    """`publicKey` is for `navigator.credentials`, in the JSON form of Web Authentication.

    `challengeId` goes back with the browser's answer, within 5 minutes.
    """

    challenge_id: str
    public_key: dict[str, Any]


class NewPasskey(Wire):
    """`credential` is the JSON form of what `navigator.credentials.create` gave."""

    name: Name
    challenge_id: ChallengeId
    credential: dict[str, Any]


class PasskeyAnswer(Wire):
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class PasskeySignature(Wire):
    """`credential` is the JSON form of what `navigator.credentials.get` gave."""

    challenge_id: ChallengeId
    credential: dict[str, Any]


@endpoint("POST", "/api/auth/passkey-options", access=SIGNED_IN, recent_login=True)
async def create_passkey_options(call: Call) -> PasskeyOptions:
    """Return the options by which a browser makes a passkey for the account."""
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        existing = await system.passkeys.of_user(call.user_id)
    options = await passkey_ceremonies.creation_options(call.services, user, existing)
    return PasskeyOptions.model_validate(options)


@endpoint("POST", "/api/auth/passkeys", access=SIGNED_IN, status=201, recent_login=True)
async def create_passkey(call: Call, body: NewPasskey) -> PasskeyAnswer:
    """Register a passkey that a browser has made."""
    verified = await passkey_ceremonies.verify_creation(
        call.services, call.user_id, body.challenge_id, body.credential
    )
    async with call.services.store.system() as system:
        if await system.passkeys.count(call.user_id) >= MAX_PASSKEYS:
            raise Conflict(f"The account has {MAX_PASSKEYS} passkeys; delete one first.")
        row = Passkey(
            id=new_id("pk"),
            user_id=call.user_id,
            name=body.name,
            credential_id=bytes_to_base64url(verified.credential_id),
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
        )
        return PasskeyAnswer.model_validate(await system.passkeys.add(row))


@endpoint("GET", "/api/auth/passkeys", access=SIGNED_IN.session_only())
async def list_passkeys(call: Call, query: PageQuery) -> Page[PasskeyAnswer]:
    """List the account's passkeys, newest first."""
    async with call.services.store.system() as system:
        page = await system.passkeys.page(call.user_id, query.request())
    data = [PasskeyAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "DELETE", "/api/auth/passkeys/<passkey_id>", access=SIGNED_IN, status=204, recent_login=True
)
async def delete_passkey(call: Call, passkey_id: str) -> None:
    """Delete a passkey; it signs in no more."""
    async with call.services.store.system() as system:
        if not await system.passkeys.delete(passkey_id, call.user_id):
            raise NotFound("Passkey not found; list your passkeys for their ids.")


@endpoint("POST", "/api/auth/passkey-login/options", access=PUBLIC)
async def create_passkey_login_options(call: Call) -> PasskeyOptions:
    """Return the options by which a browser signs in, or reauthenticates, with a passkey."""
    options = await passkey_ceremonies.request_options(call.services)
    return PasskeyOptions.model_validate(options)


@endpoint(
    "POST",
    "/api/auth/passkey-login",
    access=PUBLIC,
    answers={200: SessionAnswer},
    errors=(Unauthorized,),
)
async def log_in_with_passkey(call: Call, body: PasskeySignature) -> Reply:
    """Sign in by a passkey's signature; no second factor is required."""
    services = call.services
    passkey = await passkey_ceremonies.verify_signature(
        services, body.challenge_id, body.credential
    )
    async with services.store.system() as system:
        user = found(await system.users.get(passkey.user_id), "user")
    return session_reply(await open_session(call, user), call, 200)
