"""Deployments of the copilot: the ``agent`` mode."""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page


class Agent(Timestamps, Base):
    """``approvals``: ``none`` has been given ahead, or those of the tools that are ``listed``;
    ``public`` lets every member and key of the workspace ask it, not only those who may write."""

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    system_prompt: Mapped[str]
    model: Mapped[str | None]
    knowledge_base_ids: Mapped[list[str]] = mapped_column(JSONB)
    tools: Mapped[list[str]] = mapped_column(JSONB)
    approvals: Mapped[str]  # none listed
    public: Mapped[bool]
    created_by: Mapped[str | None]


class Agents(TenantRepository):
    async def get(self, agent_id: str) -> Agent | None:
        return await self._session.scalar(
            select(Agent).where(Agent.id == agent_id, Agent.workspace_id == self._workspace_id)
        )

    def add(self, agent: Agent) -> None:
        agent.workspace_id = self._workspace_id
        self._session.add(agent)

    async def page(self, request: PageRequest) -> RowsPage[Agent]:
        """Return agents, newest first."""
        query = select(Agent).where(Agent.workspace_id == self._workspace_id)
        return await read_page(self._session, query, (Agent.created_at, Agent.id), request)

    async def refresh(self, agent: Agent) -> None:
        """Read what the database set by itself, after a flush."""
        await self._session.refresh(agent)

    async def delete(self, agent: Agent) -> None:
        await self._session.delete(agent)
