"""Who calls, in which workspace, and whether the called route lets them in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from core.errors import Forbidden, NotFound, Unauthorized
from core.rights import Rights, Role
from core.store.unit import SystemUnit
from core.store.workspaces import Seat

SESSION_COOKIE: Final = "nuxa_session"
KEY_PREFIX: Final = "nuxa_"

Way = Literal["session", "key"]


@dataclass(frozen=True)
class Access:
    """The rule of one route: the smallest role it takes; ``only`` narrows the way in."""

    role: Role | None
    is_public: bool = False
    only: Way | None = None

    def session_only(self) -> Access:
        return replace(self, only="session")

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
    scopes: frozenset[str] | None = None  # a key's; a session has no narrower scope
    expires_at: datetime | None = None
    is_bearer: bool = False  # by an access token that stands for the session or the key


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
    if access.only is not None and access.only != identity.way:
        needed = "a signed-in session" if access.only == "session" else "an API key"
        raise Forbidden(f"This call takes {needed} only.")
    if access.role is not None:
        refusal = caller.rights.missing(access.role, domain)
    else:
        refusal = caller.rights.unscoped(Role.READ, domain)
    if refusal:
        raise Forbidden(refusal)
