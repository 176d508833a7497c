"""What handlers may do with a process's sockets beyond answering: rooms, and what they are told.

A part of the hub (``Part``) is what a slice keeps for as long as there are sockets, the rooms of
workflows for example: made when it is first asked for, closed with the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from api.sockets import engine
from api.sockets.connection import Connection
from core.services import Services

if TYPE_CHECKING:
    from socketio import AsyncServer


Told = tuple[str, Any]  # an event's name and data


class Part(Protocol):
    """Something that lives as long as the hub."""

    async def close(self) -> None: ...


P = TypeVar("P", bound=Part)


class Hub:
    """The sockets of one process, as handlers see them."""

    def __init__(
        self, services: Services, server: AsyncServer, connections: Mapping[str, Connection]
    ) -> None:
        self.services, self._server, self._connections = services, server, connections
        self._parts: dict[Callable[[Hub], Any], Any] = {}

    def part(self, make: Callable[[Hub], P]) -> P:
        """Return the hub's own one of a kind."""
        if make not in self._parts:
            self._parts[make] = make(self)
        found: P = self._parts[make]
        return found

    async def enter(self, sid: str, room: str) -> None:
        await self._server.enter_room(sid, room)

    async def leave(self, sid: str, room: str) -> None:
        # The library would ask the other processes for a socket that has just gone.
        if sid in self._connections:
            await self._server.leave_room(sid, room)

    def has(self, room: str) -> bool:
        """Whether a socket of this process is in a room."""
        return any(self._server.manager.get_participants("/", room))

    def tell_here(self, room: str, told: Iterable[Told], skip: str | None = None) -> None:
        """Send events to the sockets of a room that are in this process, each written once."""
        from api.sockets.packets import event_packets

        pieces = [piece for event, data in told for piece in event_packets(event, data)]
        engine.queue_packets(self._server, room, pieces, skip)

    async def tell_all(self, room: str, event: str, data: object, skip: str | None = None) -> None:
        """Send an event to the sockets of a room in every process."""
        await self._server.emit(event, data, room=room, skip_sid=skip)

    async def close(self) -> None:
        for part in self._parts.values():
            await part.close()
        self._parts.clear()


Greeting = Callable[[Hub, Connection], Awaitable[None]]
GREETINGS: list[Greeting] = []
"""Called with each connection that opens."""


def greeting(function: Greeting) -> Greeting:
    """Have a function called with each connection that opens; it is to be quick."""
    GREETINGS.append(function)
    return function
