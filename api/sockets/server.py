"""The sockets of one process: python-socketio, made when the first client comes.

Several processes share rooms through Redis. The library and what it imports cost 20 MB and a third
of a second, which no process pays that nobody opens a socket to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from api import cors, errors
from api.sockets import dispatch, engine
from api.sockets.connection import Connection
from api.sockets.event import EVENTS, SocketEvent
from api.sockets.handshake import admit
from api.sockets.hub import GREETINGS, Hub
from api.sockets.intake import Intake
from api.sockets.sweep import Sweep
from core.config import Settings
from core.redis_names import SOCKETS_CHANNEL
from core.services import Services

if TYPE_CHECKING:
    from socketio import AsyncServer

PATH: Final = "/socket.io/"
LARGEST_PACKET: Final = 1_000_000  # bytes; also the most that a polling client sends at once
_SWEEP_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


class Sockets:
    """An ASGI application for what lies under ``PATH``; ``services`` are open when it is called."""

    def __init__(
        self,
        services: Callable[[], Services],
        events: Mapping[str, SocketEvent] = EVENTS,
        sweep_seconds: float = _SWEEP_SECONDS,
    ) -> None:
        self._services, self._events, self._sweep_seconds = services, events, sweep_seconds
        self._starting: asyncio.Task[AsyncServer] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._hub: Hub | None = None
        self._intake: Intake | None = None
        self.connections: dict[str, Connection] = {}

    @staticmethod
    def takes(scope: Mapping[str, Any]) -> bool:
        """Whether a request is for the sockets."""
        path = scope.get("path", "")
        return scope["type"] in ("http", "websocket") and f"{path}/".startswith(PATH)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        server = await self._server()
        await server.handle_request(scope, receive, send)

    async def close(self) -> None:
        """Close every socket and what it holds."""
        if self._starting is None:
            return
        server = await self._server()
        if self._sweeping is not None:
            await _ended(self._sweeping)
        for connection in list(self.connections.values()):
            await connection.release("stopped")
            await server.disconnect(connection.sid, ignore_queue=True)
        if self._intake is not None:
            await self._intake.close()
        if self._hub is not None:
            await self._hub.close()
        await server.shutdown()
        await engine.stop_manager(server)

    async def _server(self) -> AsyncServer:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> AsyncServer:
        server = await asyncio.to_thread(_make, self._services().settings)
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)
        server.on("*", self._take)
        slow = [name for name, event in self._events.items() if event.is_slow]
        self._intake = Intake(engine.get_packet_handler(server), slow)
        engine.set_packet_handler(server, self._intake.take)
        self._hub = Hub(self._services(), server, self.connections)
        sweep = Sweep(self._services(), server, self.connections)
        self._sweeping = asyncio.create_task(sweep.run(self._sweep_seconds))
        return server

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
        from socketio.exceptions import ConnectionRefusedError as Refused

        try:
            admitted = await admit(self._services(), environ["asgi.scope"], auth)
        # Logged where it was not foreseen; the client learns what it may.
        except Exception as error:
            told = errors.told(error, f"handshake {sid}")
            refused = dispatch.refusal(told)["error"]
            raise Refused(told.message, refused) from error
        server = await self._server()

        async def send(event: str, data: object) -> None:
            await server.emit(event, data, to=sid, ignore_queue=True)

        connection = self.connections[sid] = Connection(
            sid, admitted.identity, admitted.workspace_id, send, admitted.voice_session_id
        )
        if self._hub is not None:
            for greet in GREETINGS:
                await greet(self._hub, connection)
        log.info("socket opened", sid=sid, user_id=admitted.identity.user_id)

    async def _disconnect(self, sid: str, reason: str) -> None:
        connection = self.connections.pop(sid, None)
        if connection is not None:
            await connection.release("gone")
            log.info("socket closed", sid=sid, reason=reason)

    async def _take(self, name: str, sid: str, *sent: object) -> dict[str, object] | None:
        connection = self.connections.get(sid)
        if connection is None or self._hub is None:
            return None
        if connection.pace.is_flood:
            await (await self._server()).disconnect(sid, ignore_queue=True)
        return await dispatch.acknowledge(self._hub, self._events, connection, name, sent)


def _make(settings: Settings) -> AsyncServer:
    import socketio

    from api.sockets.packets import BoundedPacket

    return socketio.AsyncServer(
        async_mode="asgi",
        client_manager=socketio.AsyncRedisManager(
            settings.redis_url or "", channel=SOCKETS_CHANNEL
        ),
        serializer=BoundedPacket,
        async_handlers=False,  # in order, and the next is read when this one is done
        max_http_buffer_size=LARGEST_PACKET,
        logger=False,
        engineio_logger=False,
        **cors.socket_options(settings),
    )


async def _ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
