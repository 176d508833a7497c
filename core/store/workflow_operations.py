"""The log of a workflow's edits: one row a version, in the order in which they were applied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.driver import fetch
from core.store.workflows import Workflow


class WorkflowOperation(Timestamps, Base):
    __tablename__ = "workflow_operations"
    __table_args__ = (UniqueConstraint("workflow_id", "operation_id"),)

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)  # the workflow's after the edit
    workspace_id: Mapped[str]
    operation_id: Mapped[str]
    operation: Mapped[dict[str, Any]]  # {type, …, patch}
    inverse: Mapped[list[dict[str, Any]]]  # the patch that takes it back
    user_id: Mapped[str | None]
    socket_id: Mapped[str | None]  # whose sender knows it already


@dataclass(frozen=True)
class LoggedOperation:
    version: int
    operation_id: str
    operation: dict[str, Any]
    inverse: list[dict[str, Any]]
    user_id: str | None
    socket_id: str | None


@dataclass(frozen=True)
class Saved:
    """What a workflow holds after an edit; the definition as it is and as it is written."""

    name: str
    description: str | None
    definition: dict[str, Any]
    definition_json: str


_COLUMNS: Final = "version, operation_id, operation, inverse, user_id, socket_id"
_KNOWN: Final = f"""
    SELECT {_COLUMNS} FROM workflow_operations
    WHERE workflow_id = $1 AND workspace_id = $2 AND operation_id = $3
"""  # noqa: S608 - a constant
_AFTER: Final = f"""
    SELECT {_COLUMNS} FROM workflow_operations
    WHERE workflow_id = $1 AND workspace_id = $2 AND version > $3 ORDER BY version LIMIT $4
"""  # noqa: S608 - a constant
# One statement: the line of the log and what it led to.
_ADVANCE: Final = """
    WITH logged AS (
        INSERT INTO workflow_operations (
            workflow_id, workspace_id, version, operation_id, operation, inverse, user_id, socket_id
        ) VALUES ($1, $2, $3, $7, $8, $9, $10, $11)
    )
    UPDATE workflows
    SET version = $3, name = $4, description = $5, definition = $6, updated_at = now()
    WHERE id = $1 AND workspace_id = $2 RETURNING updated_at
"""
_FORGET: Final = """
    DELETE FROM workflow_operations
    WHERE workflow_id = $1 AND workspace_id = $2 AND version <= $3
        AND created_at < now() - interval '7 days'
"""


class WorkflowOperations(TenantRepository):
    async def known(self, workflow_id: str, operation_id: str) -> LoggedOperation | None:
        """Return the edit that an operation id names."""
        rows = await fetch(self._session, _KNOWN, workflow_id, self._workspace_id, operation_id)
        return LoggedOperation(*rows[0]) if rows else None

    async def after(self, workflow_id: str, version: int, limit: int) -> list[LoggedOperation]:
        """Return the edits that came after a version, in their order."""
        values = (workflow_id, self._workspace_id, version, limit)
        return [LoggedOperation(*row) for row in await fetch(self._session, _AFTER, *values)]

    async def advance(self, row: Workflow, saved: Saved, operation: LoggedOperation) -> None:
        """Log an edit and make the workflow, whose lock is held, what it led to.

        The row says so afterwards, and its session has nothing to write.
        """
        logged = (
            *(operation.operation_id, json.dumps(operation.operation)),
            *(json.dumps(operation.inverse), operation.user_id, operation.socket_id),
        )
        values = (row.id, self._workspace_id, operation.version, saved.name, saved.description)
        rows = await fetch(self._session, _ADVANCE, *values, saved.definition_json, *logged)
        told = {
            "name": saved.name,
            "description": saved.description,
            "definition": saved.definition,
            "version": operation.version,
            "updated_at": rows[0][0],
        }
        for name, value in told.items():
            set_committed_value(row, name, value)

    async def forget(self, workflow_id: str, version: int) -> None:
        """Delete edits up to a version that are older than a week."""
        await fetch(self._session, _FORGET, workflow_id, self._workspace_id, version)


@dataclass(frozen=True)
class Standing:
    """How far a workflow is: its version, and the number of its document's last update."""

    workflow_id: str
    version: int
    number: int


_STANDINGS: Final = """
    SELECT w.id, w.version, coalesce(d.number, 0) FROM workflows w
    LEFT JOIN workflow_documents d ON d.workflow_id = w.id WHERE w.id = ANY($1::text[])
"""


class WorkflowStandings(Repository):
    async def of(self, workflow_ids: list[str]) -> list[Standing]:
        """Return how far workflows of any workspace are; those that are gone are left out."""
        return [Standing(*row) for row in await fetch(self._session, _STANDINGS, workflow_ids)]
