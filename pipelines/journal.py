"""Block records in the database: written while the run is ours, read back to go on."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import JsonValue

from core.services import Services
from core.store.block_logs import BlockLog
from core.store.executions import Execution
from pipelines.large_values import bring_back, set_aside
from pipelines.trace import BlockRecord, BlockStatus, LeaseLost, usage_of


class StoreJournal:
    """The journal of one run in the hands of one owner."""

    def __init__(self, services: Services, run: Execution, owner: str) -> None:
        self._store, self._sealer, self._blobs = services.store, services.sealer, services.blobs
        self._run, self._owner = run, owner

    async def finished(self) -> list[BlockRecord]:
        """Return what earlier attempts at this run have written, in execution order."""
        async with self._store.unit(self._run.workspace_id) as unit:
            rows = await unit.block_logs.of(self._run.id)
        await bring_back(self._blobs, rows)
        return [self._record(row) for row in rows]

    async def write(self, record: BlockRecord) -> None:
        """Write durably; raise ``LeaseLost`` when the run is no longer this process's."""
        row = await set_aside(self._blobs, self._row(record))
        is_written = await self._store.run_writer.write_block(self._run, self._owner, row)
        if not is_written:
            raise LeaseLost(f"run {self._run.id} is no longer {self._owner}'s")

    def _row(self, record: BlockRecord) -> dict[str, Any]:
        usage, cost = usage_of(record.block_type, record.output)
        has_secrets = record.shown_output != record.output
        return {
            "block_id": record.block_id,
            "block_name": record.block_name,
            "block_type": record.block_type,
            "execution_order": record.execution_order,
            "iteration": record.iteration or "",
            "attempt": record.attempt,
            "status": record.status,
            "started_at": record.started_at.isoformat(),
            "ended_at": record.ended_at.isoformat(),
            "input": storable(record.shown_input),
            "output": storable(record.shown_output),
            "sealed_output": self._seal(record.output) if has_secrets else None,
            "error_message": record.error_message and storable(record.error_message),
            "error_code": record.error_code,
            "usage": usage or None,
            "cost": cost,
        }

    def _seal(self, output: JsonValue) -> str:
        return self._sealer.seal(json.dumps(output))

    def _record(self, row: BlockLog) -> BlockRecord:
        output = (
            json.loads(self._sealer.open(row.sealed_output)) if row.sealed_output else row.output
        )
        status: BlockStatus = "success"
        if row.status in ("error", "skipped"):
            status = "error" if row.status == "error" else "skipped"
        return BlockRecord(
            block_id=row.block_id,
            block_name=row.block_name,
            block_type=row.block_type,
            execution_order=row.execution_order,
            iteration=row.iteration or None,
            attempt=row.attempt,
            status=status,
            started_at=row.started_at,
            ended_at=row.ended_at,
            shown_input=row.input,
            output=output,
            shown_output=row.output,
            error_message=row.error_message,
            error_code=row.error_code,
        )


def storable(value: Any) -> Any:
    """Return a value as PostgreSQL stores it: no NUL, no lone surrogate, no infinite number."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
