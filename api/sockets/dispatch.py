"""From what a client sends to a handler of the table and back: checked, let in, acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api import access, errors, limits
from api.reading import checked, refuse_unstorable
from api.reauthorization import load_caller
from api.sockets.connection import Connection
from api.sockets.event import SocketCall, SocketEvent
from api.sockets.hub import Hub
from api.workspace_location import locate_workspace
from core.errors import (
    NotFound,
    NuxaError,
    RateLimited,
    ServiceUnavailable,
    StillRunning,
    ValidationFailed,
)

_MOST_FIELDS: Final = 100
_RETRYABLE = (RateLimited, ServiceUnavailable, StillRunning)


async def acknowledge(
    hub: Hub,
    table: Mapping[str, SocketEvent],
    connection: Connection,
    name: str,
    sent: Sequence[object],
) -> dict[str, object]:
    """Do what an event asks for; return its acknowledgement, whatever comes of it."""
    try:
        connection.pace.spend()
        event = table.get(name)
        if event is None:
            raise NotFound(f"There is no such event; there are {', '.join(sorted(table))}.")
        answer = await _run(hub, event, connection, _fields(sent))
    # Logged where it was not foreseen; the client learns what it may.
    except Exception as error:  # noqa: BLE001
        return refusal(errors.told(error, f"{name} of {connection.sid}"))
    return {"ok": True, **(answer or {})}


def refusal(error: NuxaError) -> dict[str, object]:
    """Return the acknowledgement of what was refused."""
    retryable = isinstance(error, _RETRYABLE)
    told = {"code": error.code, "message": error.message, "retryable": retryable}
    if error.details:
        told["details"] = error.details
    return {"ok": False, "error": told}


def _fields(sent: Sequence[object]) -> dict[str, Any]:
    if len(sent) != 1 or not isinstance(sent[0], dict):
        raise ValidationFailed("Send one object with the event.")
    if len(sent[0]) > _MOST_FIELDS:
        raise ValidationFailed("No event has so many fields; send those that are documented.")
    refuse_unstorable(sent[0])
    return dict(sent[0])


async def _run(
    hub: Hub, event: SocketEvent, connection: Connection, fields: dict[str, Any]
) -> Mapping[str, object] | None:
    wanted = connection.workspace_for(fields)
    if event.is_piece:
        return await event.handler(
            SocketCall(hub, connection, None), checked(event.payload, fields)
        )
    if wanted is None:
        identity, default = connection.identity, connection.workspace_id
        wanted = await locate_workspace(hub.services, identity, [fields], default) or default
    caller = await load_caller(hub.services, connection.identity, wanted)
    if event.is_counted and caller.seat is not None:
        (await limits.spend_workspace(hub.services.redis, caller.seat.workspace)).check()
    access.authorize(caller, event.access, event.domain)
    payload = checked(event.payload, fields)
    return await event.handler(SocketCall(hub, connection, caller), payload)
