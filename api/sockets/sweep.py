"""Every few seconds: who has lost a right loses what it opened, who never joined is shown out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from api.sockets.connection import Connection
from api.sockets.dispatch import caller_now
from core.errors import NotFound, Unauthorized
from core.services import Services

if TYPE_CHECKING:
    from socketio import AsyncServer

_MOST_UNREAD: Final = 2_000  # packets that wait for a client that does not read

log = structlog.get_logger(__name__)


class Sweep:
    """Looks after all sockets of a process."""

    def __init__(
        self, services: Services, server: AsyncServer, connections: dict[str, Connection]
    ) -> None:
        self._services, self._server, self._connections = services, server, connections
        self._strangers: set[str] = set()

    async def run(self, seconds: float) -> None:
        """Sweep for ever; a server that is away for a moment must not end it."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self._close_unread()
                await self._close_strangers()
                for connection in list(self._connections.values()):
                    await self._recheck(connection)
            # Logged whole, and tried again with the next sweep.
            except Exception:
                log.exception("sweep of the sockets failed")

    async def _recheck(self, connection: Connection) -> None:
        try:
            await caller_now(self._services, connection, None)
        except Unauthorized:
            log.info("socket closed", sid=connection.sid, reason="credentials ended")
            await self._server.disconnect(connection.sid, ignore_queue=True)
            return
        for name, thing in list(connection.held.items()):
            if not await self._may_hold(connection, thing.workspace_id, thing.needs):
                connection.held.pop(name, None)
                await thing.close("denied")

    async def _may_hold(self, connection: Connection, workspace_id: str, needs: int) -> bool:
        try:
            caller = await caller_now(self._services, connection, workspace_id)
        except (NotFound, Unauthorized):
            return False
        return caller.role is not None and caller.role >= needs

    async def _close_strangers(self) -> None:
        """Close transports that have sent no handshake since the last sweep."""
        joined = self._server.manager.sid_from_eio_sid
        now = {eio for eio in self._server.eio.sockets if not joined(eio, "/")}
        for eio in now & self._strangers:
            await self._shut(eio)
        self._strangers = now

    async def _close_unread(self) -> None:
        for eio, socket in list(self._server.eio.sockets.items()):
            if socket.queue.qsize() > _MOST_UNREAD:
                log.info("socket closed", sid=eio, reason="it does not read")
                await self._shut(eio)

    async def _shut(self, eio: str) -> None:
        # The library's own call waits for the client to read what is left.
        socket = self._server.eio.sockets.pop(eio, None)
        if socket is not None:
            await socket.close(wait=False, abort=True)
