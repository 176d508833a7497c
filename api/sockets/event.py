"""The one decorator that makes a function an event that clients may send.

    @socket_event("audio:start", access=READ, domain="voice")
    async def start(call: SocketCall, payload: AudioStart) -> dict[str, object]:
        ...

Before it runs, the socket's pace is checked, the payload is checked against the model, and who
sends is looked up anew and let in by ``access``: a role that was taken away counts at once. What
it returns goes into the acknowledgement, ``{ok: true, …}``; a ``NuxaError`` that it raises is one,
``{ok: false, error: {code, message, retryable}}``. Events of a socket are handled one after the
other, in the order in which they came, but for those that are marked as slow; other handlers are
quick, or start a task.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel

from api.access import Access, Caller
from api.sockets.connection import Connection
from api.sockets.hub import Hub
from core.errors import NotFound
from core.services import Services

Acknowledged = Mapping[str, object] | None
Handler = Callable[..., Awaitable[Acknowledged]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class SocketCall:
    """What a handler may know of one event; ``known`` is empty for a stream's pieces."""

    hub: Hub
    connection: Connection
    known: Caller | None

    @property
    def services(self) -> Services:
        return self.hub.services

    @property
    def workspace_id(self) -> str:
        """The workspace of the event; raises ``NotFound`` for a caller who is in none."""
        if self.caller.seat is None:
            raise NotFound("You are in no workspace.")
        return self.caller.seat.workspace.id

    @property
    def caller(self) -> Caller:
        if self.known is None:
            raise RuntimeError("the pieces of a stream have no caller; its beginning had")
        return self.known


@dataclass(frozen=True)
class SocketEvent:
    """One event of the table; ``domain`` is what a key's scope names."""

    name: str
    access: Access
    domain: str
    payload: type[BaseModel]
    handler: Handler
    is_piece: bool
    is_slow: bool
    is_counted: bool = True


EVENTS: Final[dict[str, SocketEvent]] = {}


def socket_event(
    name: str,
    *,
    access: Access,
    domain: str,
    is_piece: bool = False,
    is_slow: bool = False,
    is_counted: bool = True,
    table: dict[str, SocketEvent] = EVENTS,
) -> Callable[[H], H]:
    """Put a function into the table of events.

    ``is_piece``: a piece of a stream that an earlier event began on this socket; it is let in by
    what that one left on the connection, since looking up its sender each time would cost too much.
    ``is_slow``: it may take seconds, and is done beside what the socket sends meanwhile.
    ``is_counted``: it spends the plan's requests a minute, as a call of a route does; what is sent
    at each keystroke does not, and has the socket's pace alone.
    """

    def register(handler: H) -> H:
        payload = typing.get_type_hints(handler)["payload"]
        table[name] = SocketEvent(
            name, access, domain, payload, handler, is_piece, is_slow, is_counted
        )
        return handler

    return register
