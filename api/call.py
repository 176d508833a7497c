"""One request as a slice sees it, and what the slice answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from werkzeug.datastructures import Headers

from api.access import Caller
from api.client_address import address_block
from api.limits import Budget, unlimited
from api.multipart import Digest, FieldPart, FilePart, read_parts
from api.reauthorization import Check, wait_while_allowed
from core.errors import Forbidden
from core.services import Services
from core.store.audit import Actor
from core.store.unit import Unit
from core.store.workspaces import Seat

T = TypeVar("T")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


@dataclass(frozen=True)
class Facts:
    """What a slice may know of the HTTP request; the framework stays outside."""

    method: str
    path: str
    headers: Headers
    address: str
    cookies: Mapping[str, str]
    body: AsyncIterator[bytes]  # in pieces, as they come; read already where a body model is
    query: Mapping[str, list[str]] = field(default_factory=dict)
    query_string: str = ""  # as it came, for signatures over it
    scheme: str = "http"

    @property
    def address_block(self) -> str:
        """What limits count the sender under."""
        return address_block(self.address)


@dataclass
class Call:
    """Caller, unit, services and request of one call."""

    services: Services
    request: Facts
    request_id: str
    known: Caller | None = None  # empty on public routes
    opened: Unit | None = None
    once_id: str | None = None  # the same for all calls of an Idempotency-Key
    form_digest: Digest | None = None  # of a form that came with an Idempotency-Key
    is_repeat: bool = False  # whether an earlier one of them may have begun the work
    budget: Budget = field(default_factory=unlimited)  # what the call was counted against
    check_rights: Check | None = None  # raises once the caller's rights have ended

    @property
    def caller(self) -> Caller:
        if self.known is None:
            raise RuntimeError("a public route has no caller")
        return self.known

    @property
    def actor(self) -> Actor:
        """Who acts, as the audit log keeps it."""
        identity, address = self.caller.identity, self.request.address
        return Actor(
            identity.way, identity.user_id, identity.credential_id, self.request_id, address
        )

    def audit(self, action: str, target: str | None = None, **details: Json) -> None:
        """Write into the audit log, in the unit of this call; no secret among the details."""
        self.unit.audit.record(self.actor, action, target, details)

    @property
    def user_id(self) -> str:
        return self.caller.user_id

    @property
    def seat(self) -> Seat:
        """The caller's place in the workspace of the request."""
        if self.caller.seat is None:
            raise Forbidden("You are in no workspace: create one, or ask to be added to one.")
        return self.caller.seat

    @property
    def workspace_id(self) -> str:
        return self.seat.workspace.id

    async def wait_while_allowed(self, work: Awaitable[T]) -> T:
        """Return the result of work that may last; cancel it and raise when the caller's rights
        end meanwhile."""
        if self.check_rights is None:
            return await work
        return await wait_while_allowed(self.check_rights, work)

    @property
    def unit(self) -> Unit:
        """The transaction in the caller's workspace, committed before the answer is sent.

        It takes a connection with its first query. Around a slow outside call use short ones of
        your own instead: ``async with call.services.store.unit(call.workspace_id) as unit``.
        """
        if self.opened is None:
            raise RuntimeError("a route without a workspace has no unit")
        return self.opened


def parts_of(call: Call) -> AsyncGenerator[FieldPart | FilePart, None]:
    """Return the parts of the form that a call carries."""
    return read_parts(call.request.headers, call.request.body, call.form_digest)


@dataclass
class Reply:
    """An answer with more to it than a body: a status, headers, or bytes that are streamed."""

    body: object = None
    status: int | None = None  # the route's own unless said
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()  # each a whole value of Set-Cookie
    stream: AsyncIterator[bytes] | None = None
    content: bytes | None = None  # a body that is not JSON; say its type in the headers
