"""Workflows and the snapshots of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, load_only, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from core.store.base import Base, TenantRepository, Timestamps, is_one_of, load_detached
from core.store.driver import look
from core.store.pages import PageRequest, RowsPage, moment_of, position_of, read_page


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


# A workflow as lists show it.
LISTED: Final = (
    *("id", "name", "description", "workspace_id", "version", "is_deployed"),
    *("deployed_version", "created_at", "updated_at"),
)
_LISTED: Final = f"""
    SELECT {", ".join(LISTED)} FROM workflows
    WHERE workspace_id = $1 AND ($2::text IS NULL OR strpos(lower(name), lower($2)) > 0)
        AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::text))
    ORDER BY created_at DESC, id DESC LIMIT $5
"""  # noqa: S608 - the names of our own columns


@dataclass(frozen=True)
class Deployed:
    """What a run of the deployed version needs to know of a workflow."""

    name: str
    number: int | None  # of the snapshot that is deployed


_DEPLOYED: Final = """
    SELECT name, deployed_version FROM workflows WHERE id = $1 AND workspace_id = $2
"""


_HELD: Final = tuple(column.key for column in Workflow.__table__.columns)
_HOLD: Final = f"""
    SELECT {", ".join(name for name in _HELD if name != "definition")},
        CASE WHEN version = :version THEN NULL ELSE definition END AS definition
    FROM workflows WHERE id = :id AND workspace_id = :workspace_id FOR UPDATE
"""  # noqa: S608 - the names of our own columns


class Workflows(TenantRepository):
    async def get(self, workflow_id: str) -> Workflow | None:
        return await self._session.scalar(
            select(Workflow).where(
                Workflow.id == workflow_id, Workflow.workspace_id == self._workspace_id
            )
        )

    async def deployed(self, workflow_id: str) -> Deployed | None:
        """Return which version of a workflow is deployed; None when there is no such workflow."""
        rows = await look(self._session, _DEPLOYED, workflow_id, self._workspace_id)
        return Deployed(*rows[0]) if rows else None

    async def page(self, request: PageRequest) -> RowsPage[Workflow]:
        """Return whole workflows, newest first."""
        query = select(Workflow).where(Workflow.workspace_id == self._workspace_id)
        order = (Workflow.created_at, Workflow.id)
        return await read_page(self._session, query, order, request)

    async def listed(
        self, request: PageRequest, search: str | None = None
    ) -> RowsPage[dict[str, Any]]:
        """Return workflows without what is in them, as values by the names of ``LISTED``.

        ``search`` is a part of the name.
        """
        if request.sort_by is not None or request.is_descending is not None:
            return await self._sorted(request, search)
        after, limit = request.after, request.limit
        created = moment_of(after) if after else None
        row_id = after.id if after else None
        values = (self._workspace_id, search, created, row_id, limit + 1)
        rows = await look(self._session, _LISTED, *values)
        found = [dict(zip(LISTED, row, strict=True)) for row in rows[:limit]]
        if len(rows) <= limit:
            return RowsPage(found, None)
        return RowsPage(found, position_of(found[-1]["created_at"], found[-1]["id"]))

    async def _sorted(self, request: PageRequest, search: str | None) -> RowsPage[dict[str, Any]]:
        query = select(Workflow).where(Workflow.workspace_id == self._workspace_id)
        if search:
            query = query.where(Workflow.name.icontains(search, autoescape=True))
        query = query.options(load_only(*(getattr(Workflow, name) for name in LISTED)))
        order = (Workflow.created_at, Workflow.id)
        page = await read_page(self._session, query, order, request)
        rows = [{name: getattr(row, name) for name in LISTED} for row in page.rows]
        return RowsPage(rows, page.next)

    async def names(self, workflow_ids: Sequence[str]) -> dict[str, str]:
        """Return the name of each of these workflows that is there."""
        rows = await self._session.execute(
            select(Workflow.id, Workflow.name).where(
                is_one_of(Workflow.id, workflow_ids), Workflow.workspace_id == self._workspace_id
            )
        )
        return {row.id: row.name for row in rows}

    async def lock(self, workflow_id: str) -> Workflow | None:
        """Return a workflow that no other unit can change until this one ends."""
        return await self._session.scalar(
            select(Workflow)
            .where(Workflow.id == workflow_id, Workflow.workspace_id == self._workspace_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def hold(
        self, workflow_id: str, known: tuple[int, dict[str, Any]] | None = None
    ) -> Workflow | None:
        """Return a workflow as ``lock`` does, outside the session: it is changed by statements.

        ``known`` is a version and its definition, which is then not read again.
        """
        version, definition = known or (None, None)
        values = {"id": workflow_id, "workspace_id": self._workspace_id, "version": version}
        rows = await load_detached(self._session, Workflow, _HOLD, **values)
        if not rows:
            return None
        row = rows[0]
        if row.definition is None:
            set_committed_value(row, "definition", definition)
        return row

    async def snapshot(self, workflow_id: str, number: int) -> WorkflowVersion | None:
        return await self._session.scalar(
            select(WorkflowVersion).where(
                WorkflowVersion.workflow_id == workflow_id,
                WorkflowVersion.number == number,
                WorkflowVersion.workspace_id == self._workspace_id,
            )
        )

    async def snapshots(self, workflow_id: str, request: PageRequest) -> RowsPage[WorkflowVersion]:
        """Return a workflow's snapshots, newest first."""
        query = select(WorkflowVersion).where(
            WorkflowVersion.workflow_id == workflow_id,
            WorkflowVersion.workspace_id == self._workspace_id,
        )
        order = (WorkflowVersion.number, WorkflowVersion.workflow_id)
        return await read_page(self._session, query, order, request)

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
