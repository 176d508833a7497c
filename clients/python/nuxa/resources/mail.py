"""Mailboxes whose mails start workflows."""

from __future__ import annotations

from typing import Any

from nuxa.requests import Door, Json, Request, Resource, method


class Mail(Resource[Door]):
    @method
    def get(self, workflow_id: str) -> Request[dict[str, Any]]:
        return Request("GET", _path(workflow_id), dict[str, Any])

    @method
    def set(self, workflow_id: str, mailbox: Json) -> Request[dict[str, Any]]:
        """Have it run for each new mail: ``{"host", "username", "passwordSecret"}``."""
        return Request("PUT", _path(workflow_id), dict[str, Any], json=mailbox)

    @method
    def delete(self, workflow_id: str) -> Request[None]:
        return Request("DELETE", _path(workflow_id))


def _path(workflow_id: str) -> str:
    return f"/api/workflows/{workflow_id}/mail"
