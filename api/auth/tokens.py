"""Bearer tokens (RFC 6749, RFC 7636): random, short-lived, and worth nothing once what they stand
for has ended. A code and a refresh token work once; whoever uses one again ends the family."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.auth.scopes import check_granted
from core.config import Settings
from core.errors import Unauthorized, ValidationFailed
from core.ids import new_id
from core.security import hash_token, new_token
from core.store.base import now
from core.store.bearer_tokens import BearerToken, Kind
from core.store.program_grants import ProgramGrant
from core.store.unit import Store, SystemUnit

_CODE_SECONDS: Final = 60
_NAMES: Final[dict[Kind, str]] = {"code": "code", "refresh": "refresh token"}
_PREFIXES: Final[dict[Kind, str]] = {"code": "nxc_", "access": "nxa_", "refresh": "nxr_"}


class GrantRefused(ValidationFailed):
    """The code or refresh token is worth nothing: RFC 6749's ``invalid_grant``."""

    def __init__(self, message: str) -> None:
        super().__init__(message, {"reason": "invalid_grant"})


@dataclass(frozen=True)
class Issued:
    """New tokens; both are shown once and stored nowhere."""

    access_token: str
    expires_in: int  # seconds
    scope: str
    refresh_token: str | None = None


@dataclass(frozen=True)
class CodeRequest:
    """What a program's code is bound to; the challenge is its verifier's SHA-256."""

    client_id: str
    redirect_uri: str
    code_challenge: str


async def make_code(
    store: Store, session_id: str, asked: CodeRequest, scopes: list[str]
) -> tuple[str, datetime]:
    """Grant a program scopes; return a code by which it gets its tokens, and the code's expiry."""
    expires_at = now() + timedelta(seconds=_CODE_SECONDS)
    row = BearerToken(
        kind="code",
        family_id=new_id("grant"),
        session_id=session_id,
        expires_at=expires_at,
        client_id=asked.client_id,
        redirect_uri=asked.redirect_uri,
        code_challenge=asked.code_challenge,
    )
    grant = ProgramGrant(
        id=row.family_id, session_id=session_id, client_id=asked.client_id, scopes=scopes
    )
    async with store.system() as system:
        system.program_grants.add(grant)
        return _store(system, row), expires_at


async def redeem_code(
    store: Store, settings: Settings, code: str, asked: CodeRequest, scope: str | None
) -> Issued:
    """Exchange a code; whoever has it but not the verifier has used it up for nothing."""

    def fits(spent: BearerToken) -> bool:
        return (
            hmac.compare_digest(spent.code_challenge or "", asked.code_challenge)
            and spent.client_id == asked.client_id
            and spent.redirect_uri == asked.redirect_uri
        )

    return await _exchange(store, settings, _Exchange("code", code, scope, fits))


async def refresh(
    store: Store, settings: Settings, token: str, client_id: str | None, scope: str | None
) -> Issued:
    """Exchange a refresh token for a new pair."""

    def fits(spent: BearerToken) -> bool:
        return client_id in (None, spent.client_id)

    return await _exchange(store, settings, _Exchange("refresh", token, scope, fits))


async def token_of_key(store: Store, settings: Settings, key: str, scope: str | None) -> Issued:
    """Return an access token that can do what the API key can, while the key can."""
    lifetime = timedelta(minutes=settings.access_token_minutes)
    async with store.system() as system:
        row = await system.api_keys.by_hash(hash_token(key))
        if row is None:
            raise Unauthorized("This API key is unknown, expired or revoked; create a new one.")
        check_granted(scope, row.scopes)
        until = min(now() + lifetime, row.expires_at or datetime.max.replace(tzinfo=now().tzinfo))
        access = BearerToken(
            kind="access", family_id=new_id("fam"), api_key_id=row.id, expires_at=until
        )
        seconds = int((until - now()).total_seconds())
        return Issued(_store(system, access), seconds, " ".join(row.scopes))


@dataclass(frozen=True)
class _Exchange:
    """A code or refresh token to be exchanged; ``fits`` says whether it is the client's."""

    kind: Kind
    token: str
    scope: str | None
    fits: Callable[[BearerToken], bool]


async def _exchange(store: Store, settings: Settings, asked: _Exchange) -> Issued:
    kind, token = asked.kind, asked.token
    token_hash = hash_token(token)
    # One transaction: whoever uses the token again meanwhile waits, and ends the new ones too.
    async with store.system() as system:
        spent = await system.bearer_tokens.spend(kind, token_hash)
        live = await system.program_grants.live(spent.family_id) if spent else None
        if spent is not None and live is not None and asked.fits(spent):
            check_granted(asked.scope, live.grant.scopes)
            return _issue_pair(system, settings, spent, live.grant.scopes)
        misused = (
            await system.bearer_tokens.end_family_of_used(kind, token_hash)
            if spent is None
            else None
        )
        if misused is not None:
            await system.program_grants.end(misused)
            message = f"This {_NAMES[kind]} was used before; all that came of it is ended."
        elif spent is None:
            message = f"This {_NAMES[kind]} is unknown, expired or revoked; sign in again."
        else:
            message = f"This {_NAMES[kind]} was made for another client; sign in again."
    raise GrantRefused(message)


def _issue_pair(
    system: SystemUnit, settings: Settings, spent: BearerToken, scopes: list[str]
) -> Issued:
    minutes, days = settings.access_token_minutes, settings.refresh_token_days
    access = _heir(spent, "access", timedelta(minutes=minutes))
    renewal = _heir(spent, "refresh", timedelta(days=days))
    scope = " ".join(scopes)
    return Issued(_store(system, access), minutes * 60, scope, _store(system, renewal))


def _heir(spent: BearerToken, kind: Kind, lifetime: timedelta) -> BearerToken:
    return BearerToken(
        kind=kind,
        family_id=spent.family_id,
        session_id=spent.session_id,
        client_id=spent.client_id,
        expires_at=now() + lifetime,
    )


def _store(system: SystemUnit, row: BearerToken) -> str:
    token = new_token(_PREFIXES[row.kind])  # type: ignore[index] # a column of these
    row.id, row.token_hash = new_id("tok"), hash_token(token)
    system.bearer_tokens.add(row)
    return token
