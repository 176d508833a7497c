"""A token for the handshake of a socket, for whoever may not put her credentials there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from api.access import SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.wire import Wire
from core import tickets
from core.store.base import now

_SECONDS: Final = 60


class SocketToken(Wire):
    """For ``auth.token`` of one handshake, before it expires."""

    token: str
    expires_at: datetime


@endpoint("POST", "/api/auth/socket-token", access=SIGNED_IN, status=201)
async def make_socket_token(call: Call) -> SocketToken:
    """Make a token that lets one socket in as the caller.

    With ``workspaceId``, events that name no workspace are about that one.
    """
    identity = call.caller.identity
    seat = call.caller.seat
    value = {
        "way": identity.way,
        "credentialId": identity.credential_id,
        "workspaceId": seat.workspace.id if seat else None,
    }
    expires_at = now() + timedelta(seconds=_SECONDS)
    token = await tickets.issue(call.services.redis, "socket", value, _SECONDS)
    return SocketToken(token=token, expires_at=expires_at)
