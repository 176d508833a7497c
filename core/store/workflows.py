"""Workflows and the snapshots of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps


class Workflow(Timestamps, Base):
    __tablename__ = "workflows"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    description: Mapped[str | None]
    definition: Mapped[dict[str, Any]]  # blocks edges loops parallels variables
    version: Mapped[int] = mapped_column(default=1)  # counts edits
    is_deployed: Mapped[bool] = mapped_column(default=False)
    deployed_version: Mapped[int | None]
    created_by: Mapped[str | None]


class WorkflowVersion(Timestamps, Base):
    __tablename__ = "workflow_versions"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    definition: Mapped[dict[str, Any]]
    reason: Mapped[str]  # deploy restore checkpoint


class Workflows(TenantRepository):
    async def get(self, workflow_id: str) -> Workflow | None:
        return await self._session.scalar(
            select(Workflow).where(
                Workflow.id == workflow_id, Workflow.workspace_id == self._workspace_id
            )
        )

    def add(self, workflow: Workflow) -> Workflow:
        workflow.workspace_id = self._workspace_id
        self._session.add(workflow)
        return workflow

    def add_version(self, version: WorkflowVersion) -> WorkflowVersion:
        version.workspace_id = self._workspace_id
        self._session.add(version)
        return version

    async def delete(self, workflow: Workflow) -> None:
        await self._session.delete(workflow)
