"""The events of a turn: how they look, where they go, how they are followed to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from core.errors import ServiceUnavailable
from core.events import Event, EventLogs
from core.redis_names import turn_log
from core.store.messages import TERMINAL, Message
from pipelines.citations import Citation

LAST_TYPE: Final = "done"

Reload = Callable[[], Awaitable[Message | None]]
"""Reads the message anew, in a short unit of its own."""


def log_name(message: Message) -> str:
    """Return the name of the event log of the turn that a message answers in."""
    return turn_log(message.workspace_id, message.id)


class TurnLog:
    """Appends the events of one turn.

    Text that comes while other text is being written goes out together: a fast model's words
    would else each wait for a round trip.
    """

    def __init__(self, events: EventLogs, message: Message) -> None:
        self._events, self._chat_id, self._message_id = events, message.chat_id, message.id
        self._log = log_name(message)
        self._unsaid: list[str] = []
        self._saying: asyncio.Task[None] | None = None

    async def say(self, delta: str) -> None:
        """Append text, soon; raises what writing earlier text has come to."""
        self._unsaid.append(delta)
        if self._saying is not None and self._saying.done():
            self._saying.result()
            self._saying = None
        if self._saying is None:
            self._saying = asyncio.create_task(self._say_all())
        await asyncio.sleep(0)  # the writer begins before the model is asked for more

    async def flush(self) -> None:
        """Return once all text said stands in the log."""
        if self._saying is not None:
            saying, self._saying = self._saying, None
            await saying

    async def _say_all(self) -> None:
        while self._unsaid:
            text = "".join(self._unsaid)
            self._unsaid.clear()
            await self.send("text", {"delta": text})

    async def send(self, kind: str, payload: dict[str, Any]) -> None:
        event = _envelope(kind, self._chat_id, self._message_id, payload)
        await self._events.append(self._log, event)


@dataclass
class Written:
    """What the events so far have told a reader; the stored message is the same."""

    content: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    notice: dict[str, Any] | None = None

    def take(self, kind: str, payload: dict[str, Any]) -> None:
        if kind == "text":
            self.content += payload["delta"]
        elif kind == "citation":
            self.citations.append(payload)
        elif kind == "artifact":
            self.artifacts.append(payload)
        elif kind == "notice":
            self.notice = payload
        elif kind == "tool" and payload["phase"] == "result":
            self.tool_calls.append({k: v for k, v in payload.items() if k != "phase"})


def citation_payload(citation: Citation) -> dict[str, Any]:
    """Return a citation as events and stored messages hold it."""
    return {
        "n": citation.n,
        "documentId": citation.document_id,
        "documentName": citation.document_name,
        "chunkId": citation.chunk_id,
        "page": citation.page,
        "bbox": list(citation.bbox) if citation.bbox else None,
        "quote": citation.quote,
        "startOffset": citation.start_offset,
        "endOffset": citation.end_offset,
        **({"edited": True} if citation.edited else {}),
    }


def done_payload(end: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of the last event from a finished message's columns."""
    return {"status": end["status"], "usage": end.get("usage"), "cost": end.get("cost")}


async def written(events: EventLogs, message: Message) -> Written:
    """Return what stands in a turn's log."""
    found = Written()
    after = 0
    while page := await events.read(log_name(message), after):
        after = page[-1].number
        for event in page:
            found.take(event.data["type"], event.data["payload"])
    return found


async def follow(
    events: EventLogs, message: Message, reload: Reload, after: int
) -> AsyncIterator[Event | None]:
    """Yield a turn's events after a number up to ``done``; None where nothing came for 10 s.

    Logs are kept for a day, and a process may die between ending a turn and saying so. The row
    knows better: a log that is gone is made up from it, one without its end is completed.
    """
    log = log_name(message)
    last = await events.at(log, after)
    if last and last.data["type"] == LAST_TYPE:
        return
    if message.status in TERMINAL and not await events.exists(log):
        for made_up in _made_up(message):
            if made_up.number > after:
                yield made_up
        return
    async for event in events.follow(log, after):
        if event is not None:
            after = event.number
            yield _numbered(event.number, event.data)
            if event.data["type"] == LAST_TYPE:
                return
            continue
        yield None
        try:
            now = await reload()
        except ServiceUnavailable:
            continue  # the database is busy; the log may go on all the same
        if now is None or now.status in TERMINAL:
            await _complete(events, message, now, after)


async def _complete(events: EventLogs, message: Message, now: Message | None, after: int) -> None:
    """Write the end that a turn's log lacks after a number, unless someone else goes on there.

    ``now`` is the ended message, None when its chat was deleted.
    """
    end = _columns(now) if now else {"status": "aborted"}
    missing: list[tuple[str, dict[str, Any]]] = [(LAST_TYPE, done_payload(end))]
    log = log_name(message)
    last = await events.at(log, after)
    if now and now.error and not (last and last.data["type"] == "error"):
        missing.insert(0, ("error", now.error))
    for number, (kind, payload) in enumerate(missing, after):
        event = _envelope(kind, message.chat_id, message.id, payload)
        if not await events.append_after(log, number, event):
            return


def _made_up(message: Message) -> list[Event]:
    """Return the whole of a turn whose log is gone."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("start", {"model": message.model}),
        *(("citation", citation) for citation in message.citations),
    ]
    told += [("tool", {"phase": "result", **call}) for call in message.tool_calls]
    told += [("artifact", artifact) for artifact in message.artifacts]
    if message.content:
        told.append(("text", {"delta": message.content}))
    if message.notice:
        told.append(("notice", message.notice))
    if message.error:
        told.append(("error", message.error))
    numbered = enumerate(told, 1)
    events = [
        _numbered(n, _envelope(kind, message.chat_id, message.id, payload))
        for n, (kind, payload) in numbered
    ]
    return [*events, _end(message, _columns(message), len(told) + 1)]


def _columns(message: Message) -> dict[str, Any]:
    return {"status": message.status, "usage": message.usage, "cost": message.cost}


def _end(message: Message, end: Mapping[str, Any], number: int) -> Event:
    payload = done_payload(end)
    return _numbered(number, _envelope(LAST_TYPE, message.chat_id, message.id, payload))


def _envelope(kind: str, chat_id: str, message_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    ts = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "type": kind,
        "ts": ts,
        "chatId": chat_id,
        "messageId": message_id,
        "payload": payload,
    }


def _numbered(number: int, data: dict[str, Any]) -> Event:
    return Event(number, {"seq": number, **data})
