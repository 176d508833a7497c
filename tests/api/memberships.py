"""How tests bring people into workspaces: by a link, as users do."""

from __future__ import annotations

from tests.api.conftest import Member


async def join_workspace(host: Member, guest: Member, role: str) -> None:
    """Make the guest a member of the host's workspace."""
    path = f"/api/workspaces/{host.workspace_id}/invitations"
    made = await host.browser.post(path, json={"role": role})
    assert made.status_code == 201, made.text
    token = {"token": made.json()["token"]}
    accepted = await guest.browser.post("/api/invitations/accept", json=token)
    assert accepted.status_code == 200, accepted.text
