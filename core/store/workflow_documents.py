"""A workflow as a CRDT document: a compacted state, and the updates that came after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.driver import fetch


class WorkflowDocument(Timestamps, Base):
    __tablename__ = "workflow_documents"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str]
    state: Mapped[bytes]  # all updates up to ``state_number`` in one
    state_number: Mapped[int]
    number: Mapped[int]  # of the last update
    version: Mapped[int]  # of the workflow that it agrees with


class WorkflowUpdate(Timestamps, Base):
    __tablename__ = "workflow_updates"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    content: Mapped[bytes]
    socket_id: Mapped[str | None]  # whose sender has it already


@dataclass(frozen=True)
class DocumentHead:
    number: int
    version: int
    state_number: int


@dataclass(frozen=True)
class NumberedUpdate:
    number: int
    content: bytes
    socket_id: str | None


_HEAD: Final = """
    SELECT number, version, state_number FROM workflow_documents
    WHERE workflow_id = $1 AND workspace_id = $2
"""
_STATE: Final = """
    SELECT state, state_number FROM workflow_documents WHERE workflow_id = $1 AND workspace_id = $2
"""
_AFTER: Final = """
    SELECT number, content, socket_id FROM workflow_updates
    WHERE workflow_id = $1 AND workspace_id = $2 AND number > $3 ORDER BY number
"""
_CREATE: Final = """
    INSERT INTO workflow_documents (workflow_id, workspace_id, state, state_number, number, version)
    VALUES ($1, $2, $3, 0, 0, $4)
"""
_APPEND: Final = """
    WITH added AS (
        INSERT INTO workflow_updates (workflow_id, workspace_id, number, content, socket_id)
        VALUES ($1, $2, $3, $5, $6)
    )
    UPDATE workflow_documents SET number = $3, version = $4, updated_at = now()
    WHERE workflow_id = $1 AND workspace_id = $2
"""
_AGREE: Final = """
    UPDATE workflow_documents SET version = $3, updated_at = now()
    WHERE workflow_id = $1 AND workspace_id = $2
"""
_COMPACT: Final = """
    WITH gone AS (
        DELETE FROM workflow_updates WHERE workflow_id = $1 AND workspace_id = $2 AND number <= $5
    )
    UPDATE workflow_documents SET state = $3, state_number = $4, updated_at = now()
    WHERE workflow_id = $1 AND workspace_id = $2
"""


class WorkflowDocuments(TenantRepository):
    """Written only under the workflow's lock."""

    async def head(self, workflow_id: str) -> DocumentHead | None:
        """Return how far the document is; None where no CRDT client ever asked for it."""
        rows = await fetch(self._session, _HEAD, workflow_id, self._workspace_id)
        return DocumentHead(*rows[0]) if rows else None

    async def state(self, workflow_id: str) -> tuple[bytes, int]:
        """Return the compacted state and the number of the last update in it."""
        rows = await fetch(self._session, _STATE, workflow_id, self._workspace_id)
        return rows[0][0], rows[0][1]

    async def after(self, workflow_id: str, number: int) -> list[NumberedUpdate]:
        """Return the updates after a number, in their order."""
        rows = await fetch(self._session, _AFTER, workflow_id, self._workspace_id, number)
        return [NumberedUpdate(*row) for row in rows]

    async def create(self, workflow_id: str, state: bytes, version: int) -> None:
        await fetch(self._session, _CREATE, workflow_id, self._workspace_id, state, version)

    async def append(
        self, workflow_id: str, number: int, version: int, content: bytes, socket_id: str | None
    ) -> None:
        """Add an update after which the document agrees with a version of the workflow."""
        values = (number, version, content, socket_id)
        await fetch(self._session, _APPEND, workflow_id, self._workspace_id, *values)

    async def agree(self, workflow_id: str, version: int) -> None:
        """Say that the document as it is agrees with a version of the workflow."""
        await fetch(self._session, _AGREE, workflow_id, self._workspace_id, version)

    async def compact(self, workflow_id: str, state: bytes, number: int, keep: int) -> None:
        """Put all updates up to a number into the state; the last ``keep`` stay as they are, for
        those who are just being sent them."""
        values = (state, number, number - keep)
        await fetch(self._session, _COMPACT, workflow_id, self._workspace_id, *values)
