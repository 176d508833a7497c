"""Signing up, in and out."""

from __future__ import annotations

from api.access import PUBLIC, SESSION_COOKIE, SIGNED_IN
from api.auth.accounts import SignedIn, check_password, make_account, make_session
from api.auth.schemas import Login, SessionAnswer, Signup, UserAnswer
from api.auth.throttle import Throttle
from api.call import Call, Reply
from api.endpoint import endpoint
from core.config import Settings
from core.errors import Conflict, Unauthorized
from core.store.users import User


@endpoint(
    "POST",
    "/api/auth/signup",
    access=PUBLIC,
    status=201,
    answers={201: SessionAnswer},
    errors=(Conflict,),
)
async def signup(call: Call, body: Signup) -> Reply:
    """Make an account with a workspace of its own, and sign it in."""
    services = call.services
    user = await make_account(
        services.store, services.settings, body.email, body.password, body.name
    )
    return _signed_in(await _session(call, user), services.settings, 201)


@endpoint(
    "POST",
    "/api/auth/login",
    access=PUBLIC,
    answers={200: SessionAnswer},
    errors=(Unauthorized,),
)
async def login(call: Call, body: Login) -> Reply:
    """Sign in; the answer sets the cookie of a new session."""
    services = call.services
    throttle = Throttle(services.redis, body.email, call.request.address)
    await throttle.check()
    user = await check_password(services.store, body.email, body.password)
    if user is None:
        await throttle.failed()
        raise Unauthorized("The e-mail address or the password is wrong.")
    await throttle.succeeded()
    return _signed_in(await _session(call, user), services.settings, 200)


@endpoint(
    "POST",
    "/api/auth/logout",
    access=SIGNED_IN.session_only(),
    status=204,
    answers={204: None},
)
async def logout(call: Call) -> Reply:
    """End this session; its cookie is worth nothing from now on."""
    async with call.services.store.system() as system:
        await system.sessions.delete(call.caller.identity.credential_id)
    return Reply(status=204, headers={"Set-Cookie": _cookie("", 0, call.services.settings)})


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
    if caller.identity.way != "session":
        return Reply(body)
    settings, token = call.services.settings, call.request.cookies[SESSION_COOKIE]
    return Reply(body, headers={"Set-Cookie": _cookie(token, _seconds(settings), settings)})


async def _session(call: Call, user: User) -> SignedIn:
    return await make_session(
        call.services.store,
        call.services.settings,
        user,
        agent=call.request.headers.get("User-Agent"),
        address=call.request.address,
    )


def _signed_in(made: SignedIn, settings: Settings, status: int) -> Reply:
    body = SessionAnswer(
        user=UserAnswer.model_validate(made.user),
        workspace_id=made.workspace_id,
        expires_at=made.expires_at,
    )
    cookie = _cookie(made.token, _seconds(settings), settings)
    return Reply(body, status, {"Set-Cookie": cookie})


def _seconds(settings: Settings) -> int:
    return settings.session_days * 86_400


def _cookie(token: str, seconds: int, settings: Settings) -> str:
    # The browser forgets late; whether a session still lives is decided by its row.
    parts = [f"{SESSION_COOKIE}={token}", "Path=/", f"Max-Age={seconds}", "HttpOnly"]
    parts.append("SameSite=Lax")
    if settings.base_url.startswith("https://"):
        parts.append("Secure")
    return "; ".join(parts)
