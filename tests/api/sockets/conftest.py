"""A server with a few events of the tests' own, and real Socket.IO clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import socketio

from api.access import READ, WRITE
from api.app import Api, create_app
from api.sockets.connection import Leaving
from api.sockets.event import SocketCall, SocketEvent, socket_event
from api.sockets.server import Sockets
from api.wire import Wire
from core.config import Settings
from core.errors import Conflict
from core.rights import Role
from tests.api.conftest import serving


class Said(Wire):
    text: str | bytes
    number: int = 0


@dataclass
class Room:
    """Something held by a connection, which remembers why it was closed."""

    workspace_id: str
    needs: Role = Role.WRITE
    closed: list[Leaving] = field(default_factory=list)

    async def close(self, reason: Leaving) -> None:
        self.closed.append(reason)


@dataclass
class Told:
    """What the test events saw."""

    texts: list[str | bytes] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    waiting: list[str | bytes] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)


def _events(told: Told) -> dict[str, SocketEvent]:
    table: dict[str, SocketEvent] = {}

    @socket_event("test:say", access=READ, domain="voice", table=table)
    async def say(call: SocketCall, payload: Said) -> dict[str, object]:
        told.texts.append(payload.text)
        await call.connection.send("test:heard", {"text": payload.text})
        return {"userId": call.caller.user_id, "workspaceId": call.caller.seat.workspace.id}

    @socket_event("test:write", access=WRITE, domain="voice", table=table)
    async def write(call: SocketCall, payload: Said) -> None:
        told.texts.append(payload.text)

    @socket_event("test:join", access=WRITE, domain="voice", table=table)
    async def join(call: SocketCall, payload: Said) -> None:
        room = Room(call.caller.seat.workspace.id)
        told.rooms.append(room)
        call.connection.held["room"] = room

    @socket_event("test:piece", access=READ, domain="voice", is_piece=True, table=table)
    async def piece(call: SocketCall, payload: Said) -> dict[str, object]:
        told.texts.append(payload.text)
        return {"isKnown": call.known is not None}

    @socket_event("test:clash", access=READ, domain="voice", table=table)
    async def clash(call: SocketCall, payload: Said) -> None:
        raise Conflict("Somebody was faster; look again.")

    @socket_event("test:break", access=READ, domain="voice", table=table)
    async def break_(call: SocketCall, payload: Said) -> None:
        raise ZeroDivisionError("secret detail")

    @socket_event("test:wait", access=READ, domain="voice", is_slow=True, table=table)
    async def wait(call: SocketCall, payload: Said) -> dict[str, object]:
        told.waiting.append(payload.text)
        await told.may_go_on.wait()
        return {"text": payload.text}

    return table


@pytest.fixture(scope="session")
def told() -> Told:
    return Told()


@pytest.fixture(autouse=True)
def _forget(told: Told) -> None:
    told.texts.clear()
    told.rooms.clear()
    told.waiting.clear()
    told.may_go_on.clear()


def socket_app(settings: Settings, told: Told) -> Api:
    """Return the application with the tests' events, swept five times a second."""
    app = create_app(settings)
    app.sockets = Sockets(lambda: app.services, _events(told), sweep_seconds=0.2)
    return app


@pytest.fixture(scope="session")
async def server(api_settings: Settings, told: Told) -> AsyncIterator[str]:
    async with serving(api_settings, socket_app(api_settings, told)) as url:
        yield url


Connect = Callable[..., Awaitable[socketio.AsyncClient]]


@pytest.fixture
async def connect(api_url: str) -> AsyncIterator[Connect]:
    """Opens a socket: ``await connect({"token": …})``; all are closed afterwards."""
    async with AsyncExitStack() as opened:

        async def open_one(auth: Any = None, url: str = api_url, **options: Any) -> Any:
            client = socketio.AsyncClient(reconnection=False)
            await client.connect(
                url, auth=auth, **{"transports": ["websocket"], "wait_timeout": 10, **options}
            )
            opened.push_async_callback(client.disconnect)
            return client

        yield open_one
