"""What python-socketio and python-engineio have no documented call for, and nothing else.

Neither ends a transport that does not read or never joined, stops listening to the other
processes, handles an event that takes long beside the others of its socket, or sends to a room
without a task for each of its readers.
``tests/architecture/test_foreign_internals.py`` names the versions that this was written for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socketio import AsyncServer

PacketHandler = Callable[[str, str | bytes], Awaitable[None]]


def get_packet_handler(server: AsyncServer) -> PacketHandler:
    """Return what handles each packet of a transport."""
    handler: PacketHandler = server.eio.handlers["message"]
    return handler


def set_packet_handler(server: AsyncServer, handler: PacketHandler) -> None:
    """Have each packet of a transport handled by another function."""
    server.eio.on("message", handler)


def queue_packets(
    server: AsyncServer, room: str, makers: Sequence[Callable[[], Any]], skip: str | None
) -> None:
    """Put packets where the tasks of a room's sockets in this process send from."""
    for sid, transport in server.manager.get_participants("/", room):
        socket = server.eio.sockets.get(transport)
        if sid == skip or socket is None or socket.closed:
            continue
        for make in makers:
            socket.queue.put_nowait(make())


def find_unjoined_transports(server: AsyncServer) -> set[str]:
    """Return the ids of transports that have sent no handshake."""
    socket_of = server.manager.sid_from_eio_sid
    return {transport for transport in server.eio.sockets if not socket_of(transport, "/")}


def find_unread_transports(server: AsyncServer, max_packets: int) -> list[str]:
    """Return the ids of transports for which more packets wait than may."""
    sockets = server.eio.sockets.items()
    return [transport for transport, socket in sockets if socket.queue.qsize() > max_packets]


async def abort_transport(server: AsyncServer, transport: str) -> None:
    """Close a transport; the library's own call waits for the client to read what is left."""
    socket = server.eio.sockets.pop(transport, None)
    if socket is not None:
        await socket.close(wait=False, abort=True)


async def stop_manager(server: AsyncServer) -> None:
    """End what listens to the other processes."""
    manager = server.manager
    listening: asyncio.Task[Any] | None = getattr(manager, "thread", None)
    if listening is not None:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    for opened in (manager.pubsub, manager.redis):
        if opened is not None:
            await opened.aclose()
