"""What was done to a workspace, and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.access import ADMIN
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Since, Until, Wire
from core.store.audit import AuditFilter


class AuditQuery(PageQuery):
    """``action`` is exact, such as ``member.removed``; ``until`` is not in the range."""

    action: str | None = None
    actor_id: str | None = None
    target: str | None = None
    since: Since = None
    until: Until = None


class AuditAnswer(Wire):
    """``actorWay`` is session, key or operator; an operator has no ``actorId``."""

    id: str
    action: str
    target: str | None
    details: dict[str, Any]
    actor_id: str | None
    actor_way: str
    credential_id: str | None
    request_id: str | None
    address: str | None
    created_at: datetime


@endpoint("GET", "/api/workspaces/<workspace_id>/audit", access=ADMIN)
async def list_audit_events(call: Call, query: AuditQuery) -> Page[AuditAnswer]:
    """List what was done to the workspace, newest first."""
    found_by = AuditFilter(query.action, query.actor_id, query.target, query.since, query.until)
    page = await call.unit.audit.page(found_by, query.position(), query.limit)
    data = [AuditAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))
