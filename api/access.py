"""Who calls, in which workspace, and whether the called route lets them in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from core.errors import Forbidden, NotFound, Unauthorized
from core.rights import Rights, Role
from core.store.base import now
from core.store.unit import SystemUnit
from core.store.workspaces import Seat

SESSION_COOKIE: Final = "nuxa_session"
KEY_PREFIX: Final = "nuxa_"

RECENT_LOGIN: Final = timedelta(minutes=15)

Way = Literal["session", "key"]


@dataclass(frozen=True)
class Access:
    """The rule of one route: the smallest role it takes; ``only`` narrows the way in.

    ``session`` means a person: a program's bearer token is no session.
    """

    role: Role | None
    is_public: bool = False
    only: Way | None = None
    needs_recent_login: bool = False

    def session_only(self) -> Access:
        return replace(self, only="session")

    def recent_login_only(self) -> Access:
        return replace(self, only="session", needs_recent_login=True)

    def key_only(self) -> Access:
        return replace(self, only="key")


PUBLIC: Final = Access(None, is_public=True)
SIGNED_IN: Final = Access(None)  # anybody with valid credentials, in whatever workspace
READ: Final = Access(Role.READ)
WRITE: Final = Access(Role.WRITE)
ADMIN: Final = Access(Role.ADMIN)
OWNER: Final = Access(Role.OWNER)


@dataclass(frozen=True)
class Credentials:
    """What a request carries to say who it is from; the first of the three that is there counts."""

    api_key: str | None = None
    bearer: str | None = None
    cookie: str | None = None

    @property
    def is_cookie_only(self) -> bool:
        """Whether a browser may have added the credentials by itself."""
        return self.api_key is None and self.bearer is None


@dataclass(frozen=True)
class Identity:
    """Whom the credentials belong to, and how far they reach."""

    user_id: str
    way: Way
    credential_id: str
    workspace_id: str | None = None  # a key's own
    scopes: frozenset[str] | None = None  # a key's or a program's; a session has none
    expires_at: datetime | None = None
    is_bearer: bool = False  # by an access token that stands for the session or the key
    authenticated_at: datetime | None = None  # a session's

    @property
    def is_person(self) -> bool:
        """Whether this is a session itself, not a program's token of one."""
        return self.way == "session" and not self.is_bearer


@dataclass(frozen=True)
class Caller:
    """An identity in the workspace of the request; ``seat`` is empty for who is in none."""

    identity: Identity
    seat: Seat | None

    @property
    def user_id(self) -> str:
        return self.identity.user_id

    @property
    def role(self) -> Role | None:
        return Role.named(self.seat.role) if self.seat else None

    @property
    def rights(self) -> Rights:
        return Rights(self.role, self.identity.scopes)


async def seated(system: SystemUnit, identity: Identity, wanted: str | None) -> Caller:
    """Return the caller in the workspace of the request: a key's own, else the wanted, else the
    user's default; raises ``NotFound`` for a workspace that is not the caller's."""
    _check_own(identity, wanted)
    seat = await system.workspaces.seat(identity.user_id, identity.workspace_id or wanted)
    return _placed(identity, wanted, seat)


def seated_in(identity: Identity, seat: Seat | None, wanted: str | None) -> Caller:
    """Return the caller whose seat is known; raises as ``seated`` does."""
    _check_own(identity, wanted)
    return _placed(identity, wanted, seat)


def _check_own(identity: Identity, wanted: str | None) -> None:
    own = identity.workspace_id
    if own is not None and wanted not in (None, own):
        raise NotFound("There is no such workspace for this API key; a key has only its own.")


def _placed(identity: Identity, wanted: str | None, seat: Seat | None) -> Caller:
    if seat is None and identity.workspace_id is not None:
        raise Unauthorized("The owner of this API key has left its workspace.")
    if seat is None and wanted is not None:
        raise NotFound("There is no such workspace, or you are no member of it.")
    return Caller(identity, seat)


def authorize(caller: Caller, access: Access, domain: str) -> None:
    """Raise ``Forbidden`` unless the rule of a route lets the caller in."""
    identity = caller.identity
    if access.only == "key" and identity.way != "key":
        raise Forbidden("An API key is required; send one in the header x-api-key.")
    if access.only == "session" and not identity.is_person:
        raise Forbidden(
            "API keys and tokens of programs are not allowed here; sign in with a session.",
            {"reason": "session_required"},
        )
    if access.needs_recent_login:
        require_recent_login(identity)
    if access.role is not None:
        refusal = caller.rights.missing(access.role, domain)
    else:
        refusal = caller.rights.unscoped(Role.READ, domain)
    if refusal:
        raise Forbidden(refusal)


def require_recent_login(identity: Identity) -> None:
    """Raise ``Forbidden`` unless the session proved who it belongs to in the last 15 minutes."""
    proved = identity.authenticated_at
    if proved is None or now() - proved > RECENT_LOGIN:
        raise Forbidden(
            "Your login is older than 15 minutes; POST your password to /api/auth/reauthenticate, "
            "or sign in again.",
            {"reason": "reauthentication_required"},
        )
