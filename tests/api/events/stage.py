"""Where the walk takes place: three people, their sockets, and what must stay as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import socketio
from pycrdt import Doc, create_sync_message
from sqlalchemy import text

from core.services import Services
from core.store.base import Base
from tests.api.conftest import Member
from tests.api.events.case import Case, filled
from tests.pipelines.editing.conftest import RAW

# What the service itself renews while nobody does anything.
_RENEWED = ["lease_until", "last_used_at", "last_seen_at"]


class Socket:
    """A real client, and all that it was told, by whatever name."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self.client.on("*", self._hear)

    def _hear(self, event: str, *data: Any) -> None:
        self.heard.append((event, *data))

    @property
    def names(self) -> list[str]:
        return [event for event, *_ in self.heard]

    async def ask(self, event: str, *sent: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.call(event, sent, timeout=30)
        return answer

    async def done(self, event: str, sent: Any) -> dict[str, Any]:
        answer = await self.ask(event, sent)
        assert answer["ok"] is True, (event, answer)
        return answer

    async def hears(self, wanted: Collection[str], count: int = 1) -> None:
        """Return once it was told each of these so many times."""
        async with asyncio.timeout(30):
            while any(self.names.count(name) < count for name in wanted):
                await asyncio.sleep(0.01)


@dataclass
class Stage:
    """``writer`` owns the workspace, ``reader`` may read in it, ``outsider`` has her own."""

    url: str
    services: Services
    writer: Member
    reader: Member
    outsider: Member

    @asynccontextmanager
    async def scene(self, case: Case) -> AsyncIterator[Scene]:
        """Open the sockets that a case needs, and let come first what has to."""
        async with AsyncExitStack() as opened:
            sockets = await self._sockets(opened)
            scene = Scene(sockets, await self._names())
            await scene.prepare(case)
            yield scene

    async def everything(self) -> dict[str, list[str]]:
        """Return all rows of all tables, but for what the service itself renews."""
        found = {}
        async with self.services.store.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                row = "(to_jsonb(t) - CAST(:renewed AS text[]))::text"
                query = text(f"SELECT {row} FROM {table} t")
                rows = await connection.execute(query, {"renewed": _RENEWED})
                found[table.name] = sorted(rows.scalars())
        return found

    async def _sockets(self, opened: AsyncExitStack) -> dict[str, Socket]:
        async def one(token: str, **auth: str) -> Socket:
            socket = Socket()
            auth = {"token": token, **auth}
            await socket.client.connect(
                self.url, auth=auth, transports=["websocket"], wait_timeout=10
            )
            opened.push_async_callback(socket.client.disconnect)
            return socket

        own, others = (
            person.program.headers["x-api-key"] for person in (self.writer, self.outsider)
        )
        reader = (await self.reader.browser.post("/api/auth/socket-token")).json()["token"]
        narrow, ended = await self._key("files:write"), await self._key("admin")
        sockets = {
            "writer": await one(own),
            "watcher": await one(own),
            "apart": await one(own),
            "reader": await one(reader, workspaceId=self.writer.workspace_id),
            "outsider": await one(others),
            "narrow": await one(narrow["key"]),
            "ended": await one(ended["key"]),
        }
        await self.writer.browser.delete(f"/api/auth/api-keys/{ended['id']}")
        return sockets

    async def _key(self, scope: str) -> dict[str, str]:
        asked = {"name": scope, "scopes": [scope]}
        answer = await self.writer.browser.post("/api/auth/api-keys", json=asked)
        return dict(answer.json())

    async def _names(self) -> dict[str, str]:
        program = self.writer.program
        workflow = await program.post("/api/workflows", json={"name": "Shared", **RAW})
        session = await program.post("/api/voice/session", json={"channel": "web"})
        return {
            "$workspace": self.writer.workspace_id,
            "$workflow": workflow.json()["id"],
            "$session": session.json()["id"],
        }


@dataclass
class Scene:
    """The sockets of one event's walk by who sits at them, and the ids that it is about.

    ``watcher`` is the writer at a second window, in step by Yjs too; ``reader`` has the workflow
    open as well, ``apart``, ``outsider``, ``narrow`` and ``ended`` have not.
    """

    sockets: dict[str, Socket]
    names: dict[str, str]

    async def prepare(self, case: Case) -> None:
        """Let those come in who look on, and the writer do what comes first; what was told of
        that is forgotten."""
        room = {"workflowId": self.names["$workflow"]}
        writer, watcher, reader = (self.sockets[who] for who in ("writer", "watcher", "reader"))
        await watcher.done("workflow:join", room)
        await watcher.done("yjs:update", {**room, "update": create_sync_message(Doc())})
        await reader.done("workflow:join", room)
        for event, sent in case.first:
            answer = await writer.done(event, filled(sent, self.names))
            self.names["$message"] = str(answer.get("messageId"))
        await writer.hears(case.settled)
        joined = sum(event == "workflow:join" for event, _ in case.first)
        await watcher.hears({"user:join"}, count=1 + joined)
        for socket in self.sockets.values():
            socket.heard.clear()

    async def refusal(self, who: str, event: str, *sent: Any) -> str:
        """Send what is to be refused; return the code, of an acknowledgement as it has to be."""
        answer = await self.sockets[who].ask(event, *filled(sent, self.names))
        assert answer.keys() == {"ok", "error"}, (who, event, sent, answer)
        assert answer["ok"] is False
        error = answer["error"]
        assert error.keys() - {"details"} == {"code", "message", "retryable"}
        assert isinstance(error["message"], str)
        assert error["message"]
        assert error["retryable"] is False
        return str(error["code"])

    async def succeeds(self, event: str, case: Case) -> None:
        """Send an event rightly: acknowledged, and told to those whom it concerns alone."""
        answer = await self.sockets["writer"].done(event, filled(case.sent, self.names))
        assert answer.keys() == {"ok"} | case.answer
        told = {
            "writer": case.own | case.everywhere,
            "watcher": case.others | case.everywhere,
            "reader": case.others - {"yjs:update"},  # for which she did not ask
            "apart": case.everywhere,
        }
        for who, wanted in told.items():
            await self.sockets[who].hears(wanted)
        told["writer"] |= case.settled  # which may still go on, a greeting for example
        told["ended"] = case.everywhere  # until it is swept out
        for who, socket in self.sockets.items():
            assert set(socket.names) <= told.get(who, frozenset()), who
