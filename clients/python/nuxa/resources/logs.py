"""Logs of runs."""

from __future__ import annotations

from typing import Any

from nuxa.models import BlockLog, Execution, ExecutionLog
from nuxa.requests import Door, Listing, Request, Resource, listing, method


class Logs(Resource[Door]):
    @listing
    def list(self, /, **filters: Any) -> Listing[Execution]:
        """Iterate over runs; ``filters`` as on the wire: ``workflowId``, ``status``, ``since`` …"""
        return Listing("/api/logs", Execution, filters)

    @method
    def get(self, execution_id: str) -> Request[ExecutionLog]:
        return Request("GET", f"/api/logs/{execution_id}", ExecutionLog)

    @listing
    def blocks(self, execution_id: str) -> Listing[BlockLog]:
        return Listing(f"/api/logs/{execution_id}/blocks", BlockLog)
