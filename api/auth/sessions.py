"""Where the user is signed in, and ending it from afar."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from api.access import SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from core.errors import NotFound
from core.store.sessions import Session


class SessionRow(Wire):
    """``current`` marks the session that asks; ``lastSeenAt`` is true to the minute."""

    id: str
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


@endpoint("GET", "/api/auth/sessions", access=SIGNED_IN.session_only())
async def list_sessions(
    call: Call, query: PageQuery[Literal["createdAt", "lastSeenAt", "expiresAt"]]
) -> Page[SessionRow]:
    """List where the caller is signed in, newest first."""
    async with call.services.store.system() as system:
        page = await system.sessions.page(call.user_id, query.request())
    here = call.caller.identity.credential_id
    return Page(data=[_row(row, here) for row in page.rows], next_cursor=cursor_of(page.next))


@endpoint("DELETE", "/api/auth/sessions/<session_id>", access=SIGNED_IN.session_only(), status=204)
async def end_session(call: Call, session_id: str) -> None:
    """Sign out one session, its bearer tokens too; it may be the one that asks."""
    async with call.services.store.system() as system:
        if not await system.sessions.delete(session_id, call.user_id):
            raise NotFound("You have no such session; it may have ended already.")


def _row(session: Session, here: str) -> SessionRow:
    return SessionRow(
        id=session.id,
        user_agent=session.user_agent,
        address=session.address,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        current=session.id == here,
    )
