"""Deployments of the copilot: the ``agent`` mode."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, and_, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.workspaces import Member


@dataclass(frozen=True)
class AgentShare:
    """Share link of an agent, without its token; the limits count messages of 24 hours."""

    created_at: datetime | None
    expires_at: datetime | None
    messages_per_day: int
    messages_per_address: int


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
    share_token_hash: Mapped[str | None] = mapped_column(unique=True)
    share_messages_per_day: Mapped[int | None]
    share_messages_per_address: Mapped[int | None]
    share_expires_at: Mapped[datetime | None]
    shared_at: Mapped[datetime | None]
    shared_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    @property
    def share(self) -> AgentShare | None:
        if self.share_token_hash is None:
            return None
        return AgentShare(
            self.shared_at,
            self.share_expires_at,
            self.share_messages_per_day or 0,
            self.share_messages_per_address or 0,
        )

    def end_share(self) -> None:
        """Remove the share link."""
        self.share_token_hash = self.share_expires_at = self.shared_at = self.shared_by = None
        self.share_messages_per_day = self.share_messages_per_address = None


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


class SharedAgentLookup(Repository):
    """Lookup of agents by their share links, before the workspace is known."""

    async def find(self, token_hash: str) -> Agent | None:
        """Return a public agent whose link has not expired.

        A link ends with the write access of the member who made it.
        """
        return await self._session.scalar(
            select(Agent)
            .join(
                Member,
                and_(Member.workspace_id == Agent.workspace_id, Member.user_id == Agent.shared_by),
            )
            .where(
                Agent.share_token_hash == token_hash,
                Agent.public.is_(True),
                Member.role != "read",
                or_(Agent.share_expires_at.is_(None), Agent.share_expires_at > func.now()),
            )
        )
