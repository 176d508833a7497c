"""Every few seconds: who has lost a right loses what it opened, who never joined is shown out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from api.sockets import engine
from api.sockets.connection import Connection, Held
from core.rights import Role
from core.services import Services
from core.store.live_rights import LiveRights

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
                await self._recheck()
            # Logged whole, and tried again with the next sweep.
            except Exception:
                log.exception("sweep of the sockets failed")

    async def _recheck(self) -> None:
        """Ask about all connections at once: a thousand questions would take seconds."""
        connections = list(self._connections.values())
        who = [connection.identity for connection in connections]
        async with self._services.store.system() as system:
            rights = await system.live_rights.of(
                {identity.credential_id for identity in who}, {identity.user_id for identity in who}
            )
        for connection in connections:
            if not _is_live(connection, rights):
                log.info("socket closed", sid=connection.sid, reason="credentials ended")
                await self._server.disconnect(connection.sid, ignore_queue=True)
                continue
            for name, thing in list(connection.held.items()):
                if not _may_hold(connection, thing, rights):
                    connection.held.pop(name, None)
                    await thing.close("denied")

    async def _close_strangers(self) -> None:
        """Close transports that have sent no handshake since the last sweep."""
        now = engine.find_unjoined_transports(self._server)
        for transport in now & self._strangers:
            await engine.abort_transport(self._server, transport)
        self._strangers = now

    async def _close_unread(self) -> None:
        for transport in engine.find_unread_transports(self._server, _MOST_UNREAD):
            log.info("socket closed", sid=transport, reason="it does not read")
            await engine.abort_transport(self._server, transport)


def _is_live(connection: Connection, rights: LiveRights) -> bool:
    identity = connection.identity
    own = identity.workspace_id  # a key lives as long as its owner is in its workspace
    is_placed = own is None or (identity.user_id, own) in rights.roles
    return is_placed and identity.credential_id in rights.credentials


def _may_hold(connection: Connection, thing: Held, rights: LiveRights) -> bool:
    role = rights.roles.get((connection.identity.user_id, thing.workspace_id))
    return role is not None and Role.named(role) >= thing.needs
