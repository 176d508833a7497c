"""Schedules of workflows, and what came of their fire times."""

from __future__ import annotations

from typing import Any

from nuxa.models import Schedule, ScheduleFire
from nuxa.requests import Door, Listing, Request, Resource, listing, method


class Schedules(Resource[Door]):
    @method
    def get(self, workflow_id: str) -> Request[Schedule]:
        return Request("GET", _path(workflow_id), Schedule)

    @method
    def set(self, /, workflow_id: str, cron: str, **settings: Any) -> Request[Schedule]:
        """Have it run by itself; ``settings`` as on the wire: ``timezone``, ``misfire`` …"""
        body = {"cron": cron, **settings}
        return Request("PUT", _path(workflow_id), Schedule, json=body)

    @method
    def delete(self, workflow_id: str) -> Request[None]:
        return Request("DELETE", _path(workflow_id))

    @listing
    def fires(self, workflow_id: str) -> Listing[ScheduleFire]:
        """Iterate over the fire times of the last thirty days, latest first."""
        return Listing(f"{_path(workflow_id)}/fires", ScheduleFire)


def _path(workflow_id: str) -> str:
    return f"/api/workflows/{workflow_id}/schedule"
