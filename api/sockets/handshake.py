"""Who opens a socket: by a token in the handshake, else by the session's cookie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie

from api import access, limits, origin
from api.access import KEY_PREFIX, SESSION_COOKIE, Credentials, Identity
from api.identity import identify, live_identity, redeem_socket_token
from api.reading import checked
from api.wire import Wire
from copilot.voice.sessions import TOKEN_PREFIX
from core.errors import Unauthorized, ValidationFailed
from core.security import hash_token
from core.services import Services


class Auth(Wire):
    """The handshake's ``auth``: a token of sockets, a voice session's, a bearer token, or a key."""

    token: str | None = None
    workspace_id: str | None = None


@dataclass(frozen=True)
class Admitted:
    """Who was let in; ``workspace_id`` as the handshake or its token named it.

    ``voice_session_id`` where the token is for that session alone.
    """

    identity: Identity
    workspace_id: str | None
    voice_session_id: str | None = None


async def admit(services: Services, scope: Mapping[str, Any], auth: object) -> Admitted:
    """Return who opens a socket; raises ``Unauthorized``, ``Forbidden`` for a cookie that another
    site's page sends, ``NotFound`` for a workspace that is not the caller's."""
    if auth is not None and not isinstance(auth, dict):
        raise ValidationFailed("The handshake's auth must be an object, {token}.")
    given = checked(Auth, auth or {})
    try:
        if given.token and given.token.startswith(TOKEN_PREFIX):
            return await _of_voice_session(services, given.token)
        identity, made_for = await _identity(services, scope, given.token)
    except Unauthorized:
        address = (scope.get("client") or ("unknown",))[0]
        (await limits.spend_anonymous(services, address)).check()
        raise
    wanted = given.workspace_id or made_for
    async with services.store.system() as system:
        await access.seated(system, identity, wanted)
    return Admitted(identity, wanted)


async def _of_voice_session(services: Services, token: str) -> Admitted:
    """Let in whoever has a session's token, in the name and with the key of who began it."""
    async with services.store.system() as system:
        row = await system.voice_sessions.by_token(hash_token(token))
        if row is None or row.way not in ("session", "key") or row.credential_id is None:
            raise Unauthorized("This voice session has ended, or never was; begin a new one.")
        known = await live_identity(system, row.way, row.credential_id)
    if known is None:
        raise Unauthorized("The session or API key that began this voice session has ended.")
    narrow = replace(known, workspace_id=row.workspace_id, scopes=frozenset({"voice:read"}))
    return Admitted(narrow, row.workspace_id, row.id)


async def _identity(
    services: Services, scope: Mapping[str, Any], token: str | None
) -> tuple[Identity, str | None]:
    """Return whose credentials these are, and the workspace that they were made for."""
    if token and not token.startswith(KEY_PREFIX):
        redeemed = await redeem_socket_token(services, token)
        if redeemed is not None:
            return redeemed
    credentials = _credentials(services, scope, token)
    async with services.store.system() as system:
        return await identify(system, credentials, services.settings), None


def _credentials(services: Services, scope: Mapping[str, Any], token: str | None) -> Credentials:
    if token:
        return Credentials(bearer=token)  # a key may come as one
    headers = Headers([(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]])
    cookie = parse_cookie(headers.get("Cookie")).get(SESSION_COOKIE)
    if cookie is not None:
        # A page of any site may open a socket here, and the browser adds the cookie.
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        origin.check_write(headers, services.settings, scheme)
    return Credentials(cookie=cookie)
