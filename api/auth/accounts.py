"""Making accounts, sessions and keys; what the routes and the first start have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.access import KEY_PREFIX
from api.call import Call
from core.config import Settings
from core.errors import Conflict, Forbidden, Unauthorized
from core.ids import new_id
from core.security import hash_password, hash_token, new_token, verify_password
from core.store.api_keys import ApiKey
from core.store.audit import Actor
from core.store.base import now
from core.store.sessions import Session
from core.store.unit import Store, SystemUnit, Unit
from core.store.users import User


@dataclass(frozen=True)
class SignedIn:
    """A new session; ``token`` goes into the cookie and is stored nowhere."""

    user: User
    workspace_id: str | None
    token: str
    expires_at: datetime


async def make_account(
    store: Store, settings: Settings, email: str, password: str, name: str
) -> User:
    """Make a user with a workspace of their own.

    Raises ``Conflict`` for an address in use, ``Forbidden`` where sign-up is closed.
    """
    password_hash = await hash_password(password)
    user = User(id=new_id("usr"), email=email.lower(), name=name, password_hash=password_hash)
    async with store.system() as system:
        if settings.sign_up == "open" and await system.users.by_email(email) is not None:
            raise Conflict("There is an account with this e-mail address; sign in instead.")
        await add_account(system, settings, user)
    return user


async def add_account(system: SystemUnit, settings: Settings, user: User) -> None:
    """Add a new user with a workspace of their own; raises ``Forbidden`` where that is closed."""
    if settings.sign_up == "closed" and await system.users.any():
        raise Forbidden(
            "Sign-up is closed; ask an administrator to open it.", {"reason": "sign_up_closed"}
        )
    system.users.add(user)
    await system.flush()
    name = f"{user.name}'s workspace"
    workspace = await system.workspaces.make(user.id, name, settings.default_plan)
    user.default_workspace_id = workspace.id


async def check_password(store: Store, email: str, password: str) -> User | None:
    """Return the user when the password is right; takes as long when there is none."""
    async with store.system() as system:
        user = await system.users.by_email(email)
    return user if await verify_password(password, user.password_hash if user else None) else None


def password_mark(user: User) -> str:
    """Tell passwords apart: what was begun under an older one does not continue."""
    return hash_token(user.password_hash or "")


async def open_session(call: Call, user: User) -> SignedIn:
    """Sign the caller in as a user: a new session in her default workspace.

    Raises ``Unauthorized`` when her password was changed since she was looked up: that ended every
    session, and this one must not slip through.
    """
    token = new_token()
    expires_at = now() + timedelta(days=call.services.settings.session_days)
    agent = call.request.headers.get("User-Agent")
    async with call.services.store.system() as system:
        if not await system.users.is_unchanged(user):
            raise Unauthorized("Your password was changed just now; sign in again.")
        seat = await system.workspaces.seat(user.id, None)
        workspace_id = seat.workspace.id if seat else None
        session = Session(
            id=new_id("sess"),
            token_hash=hash_token(token),
            user_id=user.id,
            workspace_id=workspace_id or "",
            expires_at=expires_at,
            user_agent=agent and agent[:300],
            address=call.request.address,
        )
        system.sessions.add(session)
        if workspace_id is not None:
            actor = Actor("session", user.id, session.id, address=call.request.address)
            system.audit.record(workspace_id, actor, "session.began")
    return SignedIn(user, workspace_id, token, expires_at)


def make_key(
    unit: Unit, user_id: str, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Return a new key's row and the key itself, which is shown once and stored as a hash."""
    secret = new_token(KEY_PREFIX)
    row = ApiKey(
        id=new_id("key"),
        user_id=user_id,
        name=name,
        key_hash=hash_token(secret),
        preview=f"{secret[:10]}…",
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return unit.api_keys.add(row), secret
