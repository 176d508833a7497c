"""Workflows and the snapshots of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.pages import Position, RowsPage, read_page


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
    name: Mapped[str | None]


class Workflows(TenantRepository):
    async def get(self, workflow_id: str) -> Workflow | None:
        return await self._session.scalar(
            select(Workflow).where(
                Workflow.id == workflow_id, Workflow.workspace_id == self._workspace_id
            )
        )

    async def page(
        self, after: Position | None, limit: int, search: str | None = None
    ) -> RowsPage[Workflow]:
        """Return workflows, newest first; ``search`` is a part of the name."""
        query = select(Workflow).where(Workflow.workspace_id == self._workspace_id)
        if search:
            query = query.where(Workflow.name.icontains(search, autoescape=True))
        order = (Workflow.created_at, Workflow.id)
        return await read_page(self._session, query, order, after, limit)

    async def lock(self, workflow_id: str) -> Workflow | None:
        """Return a workflow that no other unit can change until this one ends."""
        return await self._session.scalar(
            select(Workflow)
            .where(Workflow.id == workflow_id, Workflow.workspace_id == self._workspace_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def snapshot(self, workflow_id: str, number: int) -> WorkflowVersion | None:
        return await self._session.scalar(
            select(WorkflowVersion).where(
                WorkflowVersion.workflow_id == workflow_id,
                WorkflowVersion.number == number,
                WorkflowVersion.workspace_id == self._workspace_id,
            )
        )

    async def snapshots(
        self, workflow_id: str, after: Position | None, limit: int
    ) -> RowsPage[WorkflowVersion]:
        """Return a workflow's snapshots, newest first."""
        query = select(WorkflowVersion).where(
            WorkflowVersion.workflow_id == workflow_id,
            WorkflowVersion.workspace_id == self._workspace_id,
        )
        order = (WorkflowVersion.number, WorkflowVersion.workflow_id)
        return await read_page(self._session, query, order, after, limit)

    async def take_snapshot(
        self, workflow: Workflow, reason: str, name: str | None = None
    ) -> WorkflowVersion:
        """Keep the workflow's definition as it is under the next number; hold its lock."""
        last = await self._session.scalar(
            select(func.max(WorkflowVersion.number)).where(
                WorkflowVersion.workflow_id == workflow.id
            )
        )
        version = WorkflowVersion(
            workflow_id=workflow.id,
            number=(last or 0) + 1,
            workspace_id=self._workspace_id,
            definition=workflow.definition,
            reason=reason,
            name=name,
        )
        self._session.add(version)
        return version

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
