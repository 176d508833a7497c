"""One socket of one client: whose it is, what it holds, and how fast it may send."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from api.access import Identity
from core.errors import NotFound, RateLimited, ValidationFailed
from core.rights import Role

_PER_SECOND: Final = 100.0  # audio in pieces of 20 ms is 50
_BURST: Final = 200.0
_PATIENCE: Final = 1000  # how many more events may be refused than taken, then it is closed


# The client went away, lost the right to it, or this process ends.
Leaving = Literal["gone", "denied", "stopped"]


class Held(Protocol):
    """What an event left on a connection, a room or a stream: closed with it, or with the role."""

    @property
    def workspace_id(self) -> str: ...

    @property
    def needs(self) -> Role: ...

    async def close(self, reason: Leaving) -> None: ...


class Pace:
    """A bucket of events that fills up again with time."""

    def __init__(self, per_second: float = _PER_SECOND, burst: float = _BURST) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, time.monotonic()
        self.refused = 0

    @property
    def is_flood(self) -> bool:
        """Whether so much was refused that nobody can mean it."""
        return self.refused > _PATIENCE

    def spend(self) -> None:
        """Count one event; raises ``RateLimited`` when it is one too many."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            self.refused += 1
            raise RateLimited("Too many events on this socket; send them more slowly.", "rate")
        self._left -= 1
        self.refused = max(0, self.refused - 1)


@dataclass
class Connection:
    """``workspace_id`` is the one that the handshake named, for events that name none;
    ``voice_session_id`` the one session that its token is for."""

    sid: str
    identity: Identity
    workspace_id: str | None
    send: Callable[[str, object], Awaitable[None]]
    voice_session_id: str | None = None
    pace: Pace = field(default_factory=Pace)
    held: dict[str, Held] = field(default_factory=dict)

    def workspace_for(self, fields: dict[str, Any]) -> str | None:
        """Remove ``workspaceId`` from an event's fields; return the workspace it is authorized in.

        An event on a workflow that is open on this socket is authorized in that workflow's
        workspace, whatever it names. None where neither says which.
        """
        named = fields.pop("workspaceId", None)
        if named is not None and not isinstance(named, str):
            raise ValidationFailed("workspaceId must be a text.")
        opened = self.held.get(f"workflow:{fields.get('workflowId')}")
        if opened is None:
            return named
        if named not in (None, opened.workspace_id):
            raise NotFound("Workflow not found in this workspace; omit workspaceId.")
        return opened.workspace_id

    async def release(self, reason: Leaving) -> None:
        """Close all that is held."""
        while self.held:
            _, thing = self.held.popitem()
            await thing.close(reason)
