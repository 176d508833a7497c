"""Whose credentials these are: a session's cookie, an API key, or a bearer token for either."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from api import access
from api.access import KEY_PREFIX, Caller, Credentials, Identity
from core import tickets
from core.config import Settings
from core.errors import Unauthorized
from core.security import hash_token
from core.services import Services
from core.store.api_keys import ApiKey
from core.store.base import now
from core.store.callers import LiveKey
from core.store.program_grants import LiveGrant
from core.store.sessions import Session
from core.store.unit import SystemUnit

_NO_SUCH_KEY: Final = "This API key is unknown, expired or revoked; create a new one."
_SEEN_STEP: Final = timedelta(minutes=1)  # use is not noted at every request


async def caller_of(services: Services, given: Credentials, wanted: str | None) -> Caller:
    """Return who calls in the workspace of the request; raises as ``identify`` and ``seated`` do.

    What a key needs to be known is asked together with that of other requests.
    """
    key = _key_among(given)
    if key is None:
        async with services.store.system() as system:
            who = await identify(system, given, services.settings)
            return await access.seated(system, who, wanted)
    found = await services.store.key_holders.find(hash_token(key))
    if found is None:
        raise Unauthorized(_NO_SUCH_KEY)
    caller = access.seated_in(of_key(found.key), found.seat, wanted)
    if _is_use_worth_noting(found.key):
        async with services.store.system() as system:
            await system.api_keys.touch(found.key.id)
    return caller


def _key_among(given: Credentials) -> str | None:
    if given.api_key is not None:
        return given.api_key
    # Clients of OpenAI's API send their key this way.
    if given.bearer is not None and given.bearer.startswith(KEY_PREFIX):
        return given.bearer
    return None


async def identify(system: SystemUnit, given: Credentials, settings: Settings) -> Identity:
    """Return whose credentials these are; raises ``Unauthorized`` for none or wrong ones."""
    key = _key_among(given)
    if key is not None:
        return await _of_key(system, key)
    if given.bearer is not None:
        return await _of_bearer(system, given.bearer, settings)
    if given.cookie is not None:
        return await _of_cookie(system, given.cookie, settings)
    raise Unauthorized("Sign in, or send an API key in the header x-api-key.")


async def redeem_socket_token(services: Services, token: str) -> Identity | None:
    """Return who may open a socket with a one-time token, and end the token.

    ``None`` for a used, late or made-up one, and when its session or key has ended meanwhile.
    """
    value = await tickets.redeem(services.redis, "socket", token)
    if value is None:
        return None
    async with services.store.system() as system:
        return await live_identity(system, value["way"], value["credentialId"])


async def live_identity(system: SystemUnit, way: str, credential_id: str) -> Identity | None:
    """Return whose a session, a program's grant or a key is; ``None`` once it has ended."""
    if way == "session":
        session = await system.sessions.live(credential_id)
        if session is not None:
            return of_session(session)
        grant = await system.program_grants.live(credential_id)
        return of_grant(grant) if grant else None
    key = await system.api_keys.live(credential_id)
    return of_key(key) if key else None


def of_session(row: Session) -> Identity:
    return Identity(
        row.user_id,
        "session",
        row.id,
        expires_at=row.expires_at,
        authenticated_at=row.authenticated_at,
    )


def of_grant(live: LiveGrant) -> Identity:
    """Return the identity of a program: its user's, within its scope, and ending with its grant."""
    return Identity(
        live.session.user_id,
        "session",
        live.grant.id,
        scopes=frozenset(live.grant.scopes),
        expires_at=live.session.expires_at,
        is_bearer=True,
    )


def of_key(row: ApiKey | LiveKey) -> Identity:
    scopes = frozenset(row.scopes)
    return Identity(row.user_id, "key", row.id, row.workspace_id, scopes, row.expires_at)


async def _of_key(system: SystemUnit, key: str) -> Identity:
    row = await system.api_keys.by_hash(hash_token(key))
    if row is None:
        raise Unauthorized(_NO_SUCH_KEY)
    await _note_use(system, row)
    return of_key(row)


async def _of_bearer(system: SystemUnit, token: str, settings: Settings) -> Identity:
    found = await system.bearer_tokens.bearer(hash_token(token))
    if isinstance(found, ApiKey):
        await _note_use(system, found)
        return replace(of_key(found), is_bearer=True)
    live = await system.program_grants.live(found.family_id) if found else None
    if live is None:
        raise Unauthorized("This access token is unknown, expired or revoked; refresh it.")
    seen = await _seen(system, live.session, settings)
    return replace(of_grant(live), expires_at=seen.expires_at)


async def _of_cookie(system: SystemUnit, token: str, settings: Settings) -> Identity:
    row = await system.sessions.by_token_hash(hash_token(token))
    if row is None:
        raise Unauthorized("Your session has ended; sign in again.")
    return await _seen(system, row, settings)


async def _seen(system: SystemUnit, row: Session, settings: Settings) -> Identity:
    """Return the identity of a session, which lives on while it is used."""
    if now() - row.last_seen_at <= _SEEN_STEP:
        return of_session(row)
    until = now() + timedelta(days=settings.session_days)
    await system.sessions.touch(row.id, until)
    return replace(of_session(row), expires_at=until)


async def _note_use(system: SystemUnit, key: ApiKey) -> None:
    if _is_use_worth_noting(key):
        await system.api_keys.touch(key.id)


def _is_use_worth_noting(key: ApiKey | LiveKey) -> bool:
    return key.last_used_at is None or now() - key.last_used_at > _SEEN_STEP
