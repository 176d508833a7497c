"""Logs of runs."""

from __future__ import annotations

from pathlib import Path
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

    @method
    def stats(self, /, **filters: Any) -> Request[dict[str, Any]]:
        """Count runs, how they ended, how long they took and what they cost."""
        return Request("GET", "/api/logs/stats", dict[str, Any], query=filters)

    @method
    def export(self, /, save_to: Path, **filters: Any) -> Request[Path]:
        """Save the runs that ``list`` would give; ``format`` is ``jsonl`` or ``csv``."""
        return Request("GET", "/api/logs/export", query=filters, save_to=save_to)

    @listing
    def blocks(self, execution_id: str) -> Listing[BlockLog]:
        return Listing(f"/api/logs/{execution_id}/blocks", BlockLog)
