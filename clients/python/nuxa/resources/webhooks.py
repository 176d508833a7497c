"""Webhooks of workflows: who may send them, and what was taken."""

from __future__ import annotations

from typing import Any

from nuxa.models import WebhookDelivery, WebhookRun, WebhookSettings
from nuxa.requests import Door, Json, Listing, Request, Resource, keyed, listing, method


class Webhooks(Resource[Door]):
    @method
    def send(
        self, workflow_id: str, event: Json, *, headers: dict[str, str] | None = None
    ) -> Request[WebhookRun]:
        """Send a workflow's webhook, as somebody else's program does."""
        path = f"/api/webhooks/{workflow_id}"
        return Request("POST", path, WebhookRun, json=event, headers=headers or {})

    @method
    def get(self, workflow_id: str) -> Request[WebhookSettings]:
        return Request("GET", _path(workflow_id), WebhookSettings)

    @method
    def set(self, /, workflow_id: str, auth: str, **settings: Any) -> Request[WebhookSettings]:
        """Set who may send it; ``settings`` as on the wire: ``mode``, ``secrets`` …

        Secrets that are left away stay.
        """
        body = {"auth": auth, **settings}
        return Request("PUT", _path(workflow_id), WebhookSettings, json=body)

    @method
    def delete(self, workflow_id: str) -> Request[None]:
        return Request("DELETE", _path(workflow_id))

    @listing
    def deliveries(self, workflow_id: str) -> Listing[WebhookDelivery]:
        """Iterate over what was taken in the last seven days, newest first."""
        return Listing(f"{_path(workflow_id)}/deliveries", WebhookDelivery)

    @method
    def redeliver(
        self, workflow_id: str, delivery_id: str, *, idempotency_key: str | None = None
    ) -> Request[WebhookRun]:
        """Run what is deployed now once more on what a webhook said."""
        path = f"{_path(workflow_id)}/deliveries/{delivery_id}/redeliver"
        return Request("POST", path, WebhookRun, json={}, headers=keyed(idempotency_key))


def _path(workflow_id: str) -> str:
    return f"/api/workflows/{workflow_id}/webhook"
