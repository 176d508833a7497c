"""Signing up, in and out."""

from __future__ import annotations

from api import afterwards, throttle
from api.access import PUBLIC, SESSION_COOKIE, SIGNED_IN
from api.auth import emails, reset, second_factor
from api.auth.accounts import check_password, make_account, open_session
from api.auth.cookies import session_cookie
from api.auth.passkey_ceremonies import verify_signature
from api.auth.schemas import (
    Login,
    Reauthenticate,
    ResetAnswer,
    ResetPassword,
    SecondFactor,
    SessionAnswer,
    Signup,
    UserAnswer,
)
from api.auth.session_answers import session_reply
from api.call import Call, Reply
from api.endpoint import endpoint
from core.errors import Conflict, Forbidden, SecondFactorRequired, Unauthorized
from core.security import verify_password
from core.store.users import User


@endpoint(
    "POST",
    "/api/auth/signup",
    access=PUBLIC,
    status=201,
    answers={201: SessionAnswer},
    errors=(Conflict, Forbidden),
)
async def signup(call: Call, body: Signup) -> Reply:
    """Make an account with a workspace of its own, and sign it in."""
    services = call.services
    limit = services.settings.signups_per_address
    await throttle.of_sign_up(services.redis, call.request.address_block, limit).spend()
    user = await make_account(
        services.store, services.settings, body.email, body.password, body.name
    )
    emails.start_verification(services, user)
    return session_reply(await open_session(call, user), call, 201)


@endpoint(
    "POST",
    "/api/auth/login",
    access=PUBLIC,
    answers={200: SessionAnswer},
    errors=(SecondFactorRequired,),
)
async def login(call: Call, body: Login) -> Reply:
    """Sign in; the answer sets the cookie of a new session.

    With a second factor it is a 401 `SECOND_FACTOR_REQUIRED` with a challenge instead.
    """
    services = call.services
    tries = throttle.of_sign_in(services.redis, body.email, call.request.address_block)
    await tries.spend()
    user = await check_password(services.store, body.email, body.password)
    if user is None:
        raise Unauthorized("The e-mail address or the password is wrong.")
    await tries.forgive()
    await second_factor.require_none(services, user)
    return session_reply(await open_session(call, user), call, 200)


@endpoint(
    "POST",
    "/api/auth/second-factor",
    access=PUBLIC,
    answers={200: SessionAnswer},
    errors=(Unauthorized,),
)
async def prove_second_factor(call: Call, body: SecondFactor) -> Reply:
    """Complete a sign-in by a code of the authenticator app, or a recovery code."""
    user = await second_factor.answer_challenge(call, body.challenge, body.code)
    return session_reply(await open_session(call, user), call, 200)


@endpoint(
    "POST",
    "/api/auth/reauthenticate",
    access=SIGNED_IN.session_only(),
    status=204,
    errors=(Unauthorized,),
)
async def reauthenticate(call: Call, body: Reauthenticate) -> None:
    """Prove the password, a second factor or a passkey, for calls that need a recent login.

    Recent is 15 minutes. Without any of these, sign in again.
    """
    services = call.services
    async with services.store.system() as system:
        user = await system.users.get(call.user_id)
    if user is None:
        raise Unauthorized("The account was deleted; sign up again.")
    if body.code is not None:
        await second_factor.require_code(services, user.id, body.code)
    elif body.credential is not None:
        passkey = await verify_signature(services, body.challenge_id or "", body.credential)
        if passkey.user_id != user.id:
            raise Unauthorized("The passkey is of another account; use one of this account.")
    else:
        await _require_password(call, user, body.password or "")
    async with services.store.system() as system:
        if not await system.users.is_unchanged(user):
            raise Unauthorized("The password was changed meanwhile; sign in again.")
        await system.sessions.note_authentication(call.caller.identity.credential_id)


@endpoint(
    "POST",
    "/api/auth/logout",
    access=SIGNED_IN.session_only(),
    status=204,
    answers={204: None},
)
async def logout(call: Call) -> Reply:
    """End this session; its cookie and its bearer tokens are worth nothing from now on."""
    async with call.services.store.system() as system:
        await system.sessions.delete(call.caller.identity.credential_id, call.user_id)
    return Reply(status=204, cookies=(session_cookie("", call),))


@endpoint("POST", "/api/auth/reset-password", access=PUBLIC)
async def reset_password(call: Call, body: ResetPassword) -> ResetAnswer:
    """Mail a link to ``email``, if there is such an account; or set a ``password`` by its token.

    The answer to an address is always the same, and does not wait for the mail.
    """
    services = call.services
    if body.token is not None and body.password is not None:
        revoked = await reset.set_password(services, body)
        return ResetAnswer(revoked_api_keys=revoked)
    if body.email is not None:
        await throttle.of_reset(services.redis, call.request.address_block).spend()
        afterwards.start(reset.send_link(services, body.email))
    return ResetAnswer()


@endpoint("GET", "/api/auth/session", access=SIGNED_IN, answers={200: SessionAnswer})
async def session(call: Call) -> Reply:
    """Say who is signed in; a browser's cookie lives on as its session does."""
    async with call.services.store.system() as system:
        user = await system.users.get(call.user_id)
    caller = call.caller
    body = SessionAnswer(
        user=UserAnswer.model_validate(user),
        workspace_id=caller.seat.workspace.id if caller.seat else None,
        expires_at=caller.identity.expires_at,
    )
    if caller.identity.way != "session" or caller.identity.is_bearer:
        return Reply(body)
    token = call.request.cookies[SESSION_COOKIE]
    return Reply(body, cookies=(session_cookie(token, call),))


async def _require_password(call: Call, user: User, password: str) -> None:
    tries = throttle.of_sign_in(call.services.redis, user.email, call.request.address_block)
    await tries.spend()
    if not await verify_password(password, user.password_hash):
        raise Unauthorized("The password is wrong; correct it, or sign in again.")
    await tries.forgive()
