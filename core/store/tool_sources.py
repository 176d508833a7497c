"""Where a workspace's tools of others come from: MCP servers and OpenAPI documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page

MOST_SOURCES = 50  # of a workspace


class ToolSource(Timestamps, Base):
    """``url`` is the server's, pinned; ``document_url`` where an OpenAPI document is read anew.
    ``tools`` are kept as they were listed last. ``sealed_headers`` is JSON: names to values."""

    __tablename__ = "tool_sources"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]  # what its tools' names begin with
    kind: Mapped[str]  # mcp openapi
    url: Mapped[str]
    document_url: Mapped[str | None]
    sealed_headers: Mapped[str | None]
    trust_read_only: Mapped[bool]
    tools: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    left_out: Mapped[list[str]] = mapped_column(JSONB)  # what could not be a tool, and why
    refreshed_at: Mapped[datetime]
    created_by: Mapped[str | None]


class ToolSources(TenantRepository):
    async def get(self, source_id: str) -> ToolSource | None:
        return await self._session.scalar(
            select(ToolSource).where(
                ToolSource.id == source_id, ToolSource.workspace_id == self._workspace_id
            )
        )

    async def named(self, names: Collection[str]) -> Sequence[ToolSource]:
        """Return the sources of these names, in their order."""
        found = await self._session.scalars(
            select(ToolSource)
            .where(ToolSource.workspace_id == self._workspace_id, ToolSource.name.in_(names))
            .order_by(ToolSource.name)
        )
        return found.all()

    async def every(self) -> Sequence[ToolSource]:
        """Return all sources, by name."""
        found = await self._session.scalars(
            select(ToolSource)
            .where(ToolSource.workspace_id == self._workspace_id)
            .order_by(ToolSource.name)
            .limit(MOST_SOURCES)
        )
        return found.all()

    async def page(self, request: PageRequest) -> RowsPage[ToolSource]:
        """Return sources, newest first."""
        query = select(ToolSource).where(ToolSource.workspace_id == self._workspace_id)
        order = (ToolSource.created_at, ToolSource.id)
        return await read_page(self._session, query, order, request)

    def add(self, source: ToolSource) -> None:
        source.workspace_id = self._workspace_id
        self._session.add(source)

    async def refresh(self, source: ToolSource) -> None:
        """Read what the database set by itself, after a flush."""
        await self._session.refresh(source)

    async def delete(self, source: ToolSource) -> None:
        await self._session.delete(source)
