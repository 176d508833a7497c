"""Who calls, and where: users, workspaces, keys."""

from __future__ import annotations

from typing import Any

from nuxa.models import ApiKey, User, Workspace
from nuxa.requests import Door, Json, Listing, Request, Resource, listing, method


class Users(Resource[Door]):
    @method
    def me(self) -> Request[User]:
        return Request("GET", "/api/user", User)

    @listing
    def list(self) -> Listing[User]:
        """Iterate over the members of the workspace."""
        return Listing("/api/users", User)


class Workspaces(Resource[Door]):
    @listing
    def list(self) -> Listing[Workspace]:
        return Listing("/api/workspaces", Workspace)

    @method
    def get(self, workspace_id: str) -> Request[Workspace]:
        return Request("GET", f"/api/workspaces/{workspace_id}", Workspace)

    @method
    def update(self, workspace_id: str, changes: Json) -> Request[Workspace]:
        return Request("PATCH", f"/api/workspaces/{workspace_id}", Workspace, json=changes)

    @listing
    def secrets(self, workspace_id: str) -> Listing[dict[str, Any]]:
        """Iterate over the names of the secrets; their values are never shown."""
        return Listing(f"/api/workspaces/{workspace_id}/secrets", dict[str, Any])

    @method
    def put_secret(self, workspace_id: str, name: str, value: str) -> Request[None]:
        path = f"/api/workspaces/{workspace_id}/secrets/{name}"
        return Request("PUT", path, json={"value": value})

    @method
    def delete_secret(self, workspace_id: str, name: str) -> Request[None]:
        return Request("DELETE", f"/api/workspaces/{workspace_id}/secrets/{name}")


class ApiKeys(Resource[Door]):
    """For clients that sign in by a session's bearer token; a key makes no keys."""

    @listing
    def list(self) -> Listing[ApiKey]:
        return Listing("/api/auth/api-keys", ApiKey)

    @method
    def create(self, /, name: str, **settings: Any) -> Request[ApiKey]:
        """Create a key; ``settings`` as on the wire: ``scopes``, ``expiresAt``."""
        return Request("POST", "/api/auth/api-keys", ApiKey, json={"name": name, **settings})

    @method
    def delete(self, key_id: str) -> Request[None]:
        return Request("DELETE", f"/api/auth/api-keys/{key_id}")
