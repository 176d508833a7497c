"""Workspaces of the signed-in user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from api.access import ADMIN, OWNER, READ, SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.paging import Page, PageQuery, cursor_of
from api.wire import Name, Wire
from core.removal import remove_workspace
from core.store.unit import SystemUnit
from core.store.workspaces import Workspace


class NewWorkspace(Wire):
    name: Name


class WorkspacePatch(Wire):
    name: Name = ""


class WorkspaceAnswer(Wire):
    id: str
    name: str
    plan: str
    role: str
    owner_id: str
    member_count: int
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/workspaces", access=SIGNED_IN)
async def list_workspaces(
    call: Call, query: PageQuery[Literal["createdAt", "updatedAt", "name"]]
) -> Page[WorkspaceAnswer]:
    """List the workspaces the caller is in; for an API key only the key's own."""
    own = call.caller.identity.workspace_id
    async with call.services.store.system() as system:
        if own is not None:
            return Page(data=await build_answers(system, call.user_id, [call.seat.workspace]))
        page = await system.workspaces.page_of_user(call.user_id, query.request())
        data = await build_answers(system, call.user_id, page.rows)
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/workspaces", access=SIGNED_IN.session_only(), status=201)
async def create_workspace(call: Call, body: NewWorkspace) -> WorkspaceAnswer:
    """Create a workspace; the caller is its owner."""
    plan = call.services.settings.default_plan
    async with call.services.store.system() as system:
        workspace = await system.workspaces.make(call.user_id, body.name, plan)
        system.audit.record(workspace.id, call.actor, "workspace.created")
        return (await build_answers(system, call.user_id, [workspace]))[0]


@endpoint("GET", "/api/workspaces/<workspace_id>", access=READ)
async def get_workspace(call: Call) -> WorkspaceAnswer:
    """Return a workspace, with the caller's role in it."""
    async with call.services.store.system() as system:
        return (await build_answers(system, call.user_id, [call.seat.workspace]))[0]


@endpoint("PATCH", "/api/workspaces/<workspace_id>", access=ADMIN)
async def update_workspace(call: Call, body: WorkspacePatch) -> WorkspaceAnswer:
    """Rename a workspace."""
    async with call.services.store.system() as system:
        workspace = await system.workspaces.load(call.workspace_id)
        for name, value in body.changes().items():
            setattr(workspace, name, value)
        system.audit.record(workspace.id, call.actor, "workspace.changed", None, body.changes())
        await system.flush()
        return (await build_answers(system, call.user_id, [workspace]))[0]


@endpoint("DELETE", "/api/workspaces/<workspace_id>", access=OWNER, status=204, recent_login=True)
async def delete_workspace(call: Call) -> None:
    """Delete a workspace and all that is in it."""
    await remove_workspace(call.services, call.workspace_id)


async def build_answers(
    system: SystemUnit, user_id: str, workspaces: Sequence[Workspace]
) -> list[WorkspaceAnswer]:
    """Return workspaces that a user is in as the API shows them."""
    ids = [workspace.id for workspace in workspaces]
    roles = await system.workspaces.roles_of(user_id, ids)
    counts = await system.workspaces.member_counts(ids)
    return [
        WorkspaceAnswer(
            id=workspace.id,
            name=workspace.name,
            plan=workspace.plan,
            role=roles[workspace.id],
            owner_id=workspace.owner_id,
            member_count=counts[workspace.id],
            created_at=workspace.created_at,
            updated_at=workspace.updated_at,
        )
        for workspace in workspaces
    ]
