"""Programs that the signed-in user lets act for them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from api.access import SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from core.errors import NotFound


class GrantAnswer(Wire):
    """A program's grant; `scope` is separated by spaces."""

    id: str
    client_id: str
    scope: str
    created_at: datetime


@endpoint("GET", "/api/auth/grants", access=SIGNED_IN.session_only())
async def list_grants(
    call: Call, query: PageQuery[Literal["createdAt", "clientId"]]
) -> Page[GrantAnswer]:
    """List the programs that act for the user, newest first."""
    async with call.services.store.system() as system:
        page = await system.program_grants.page(call.user_id, query.request())
    data = [
        GrantAnswer(
            id=row.id,
            client_id=row.client_id,
            scope=" ".join(row.scopes),
            created_at=row.created_at,
        )
        for row in page.rows
    ]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("DELETE", "/api/auth/grants/<grant_id>", access=SIGNED_IN.session_only(), status=204)
async def revoke_grant(call: Call, grant_id: str) -> None:
    """Revoke a program's grant, and with it all its tokens."""
    async with call.services.store.system() as system:
        if not await system.program_grants.delete(grant_id, call.user_id):
            raise NotFound("Grant not found; list your grants for their ids.")
