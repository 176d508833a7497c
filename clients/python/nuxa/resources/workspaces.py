"""Workspaces: who is in them, what they use, and what was done to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nuxa.account_models import AuditEvent, Member, ModelProvider, Usage, Workspace
from nuxa.requests import Door, Json, Listing, Request, Resource, listing, method


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
    def members(self, workspace_id: str) -> Listing[Member]:
        """Iterate over the members, the first to join first."""
        return Listing(f"/api/workspaces/{workspace_id}/members", Member)

    @method
    def add_member(self, workspace_id: str, email: str, role: str) -> Request[Member]:
        """Add somebody who has an account, as ``read``, ``write``, ``admin`` or ``owner``."""
        body = {"email": email, "role": role}
        return Request("POST", f"/api/workspaces/{workspace_id}/members", Member, json=body)

    @method
    def change_role(self, workspace_id: str, user_id: str, role: str) -> Request[Member]:
        path = f"/api/workspaces/{workspace_id}/members/{user_id}"
        return Request("PATCH", path, Member, json={"role": role})

    @method
    def remove_member(self, workspace_id: str, user_id: str) -> Request[None]:
        return Request("DELETE", f"/api/workspaces/{workspace_id}/members/{user_id}")

    @listing
    def audit(self, /, workspace_id: str, **filters: Any) -> Listing[AuditEvent]:
        """Iterate over what was done, newest first; ``filters`` as on the wire: ``action`` …"""
        return Listing(f"/api/workspaces/{workspace_id}/audit", AuditEvent, filters)

    @method
    def usage(self, /, workspace_id: str, **span: Any) -> Request[Usage]:
        """Return what is held, and what was used: ``**{"from": …, "to": …}``, else in 30 days."""
        return Request("GET", f"/api/workspaces/{workspace_id}/usage", Usage, query=span)

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

    @listing
    def model_providers(self, workspace_id: str) -> Listing[ModelProvider]:
        """Iterate over the providers that the workspace has a key of; keys are never shown."""
        return Listing(f"/api/workspaces/{workspace_id}/model-providers", ModelProvider)

    @method
    def put_model_provider(
        self, workspace_id: str, provider: str, api_key: str
    ) -> Request[ModelProvider]:
        """Save a key; the provider's models are asked with it from then on."""
        path = f"/api/workspaces/{workspace_id}/model-providers/{provider}"
        return Request("PUT", path, ModelProvider, json={"apiKey": api_key})

    @method
    def delete_model_provider(self, workspace_id: str, provider: str) -> Request[None]:
        return Request("DELETE", f"/api/workspaces/{workspace_id}/model-providers/{provider}")

    @listing
    def subscriptions(self, workspace_id: str) -> Listing[dict[str, Any]]:
        """Iterate over the subscriptions to events, newest first."""
        return Listing(f"/api/workspaces/{workspace_id}/subscriptions", dict[str, Any])

    @method
    def create_subscription(
        self, workspace_id: str, url: str, events: Sequence[str], secret: str | None = None
    ) -> Request[dict[str, Any]]:
        """Subscribe a URL to events; the answer alone shows the ``secret`` that signs them."""
        body: dict[str, Any] = {"url": url, "events": [*events]}
        if secret is not None:
            body["secret"] = secret
        path = f"/api/workspaces/{workspace_id}/subscriptions"
        return Request("POST", path, dict[str, Any], json=body)

    @method
    def get_subscription(self, workspace_id: str, subscription_id: str) -> Request[dict[str, Any]]:
        path = f"/api/workspaces/{workspace_id}/subscriptions/{subscription_id}"
        return Request("GET", path, dict[str, Any])

    @method
    def update_subscription(
        self, workspace_id: str, subscription_id: str, changes: Json
    ) -> Request[dict[str, Any]]:
        path = f"/api/workspaces/{workspace_id}/subscriptions/{subscription_id}"
        return Request("PATCH", path, dict[str, Any], json=changes)

    @method
    def delete_subscription(self, workspace_id: str, subscription_id: str) -> Request[None]:
        path = f"/api/workspaces/{workspace_id}/subscriptions/{subscription_id}"
        return Request("DELETE", path)

    @listing
    def event_deliveries(self, workspace_id: str, subscription_id: str) -> Listing[dict[str, Any]]:
        """Iterate over a subscription's deliveries with their attempts, newest first."""
        path = f"/api/workspaces/{workspace_id}/subscriptions/{subscription_id}/deliveries"
        return Listing(path, dict[str, Any])

    @method
    def redeliver_event(
        self, workspace_id: str, subscription_id: str, delivery_id: str
    ) -> Request[dict[str, Any]]:
        """Post an event once more, under its first id."""
        path = f"/api/workspaces/{workspace_id}/subscriptions/{subscription_id}"
        return Request("POST", f"{path}/deliveries/{delivery_id}/redeliver", dict[str, Any])
