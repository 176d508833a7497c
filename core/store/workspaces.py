"""Workspaces and who belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps
from core.store.users import User

UNLIMITED: Final = -1


@dataclass(frozen=True)
class Limits:
    """What a workspace may use; -1 is without limit."""

    requests_per_minute: int
    concurrent_executions: int


PLANS: Final = {
    "free": Limits(60, 5),
    "pro": Limits(300, 25),
    "enterprise": Limits(UNLIMITED, UNLIMITED),
}


class Workspace(Timestamps, Base):
    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    plan: Mapped[str]  # free pro enterprise
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict)  # set by an operator

    @property
    def allowed(self) -> Limits:
        """The plan's limits, but for those that an operator set for this workspace."""
        plan = PLANS[self.plan]
        return Limits(
            self.limits.get("requestsPerMinute", plan.requests_per_minute),
            self.limits.get("concurrentExecutions", plan.concurrent_executions),
        )


class Member(Timestamps, Base):
    __tablename__ = "members"

    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str]  # owner admin write read


@dataclass(frozen=True)
class Seat:
    """A user's place in a workspace."""

    workspace: Workspace
    role: str


class Workspaces(Repository):
    """Asked by membership: every query names the user or the workspace it is about."""

    async def get(self, workspace_id: str) -> Workspace | None:
        return await self._session.get(Workspace, workspace_id)

    async def role_of(self, user_id: str, workspace_id: str) -> str | None:
        """Return the user's role in a workspace, ``None`` for a stranger."""
        return await self._session.scalar(
            select(Member.role).where(
                Member.user_id == user_id, Member.workspace_id == workspace_id
            )
        )

    async def seat(self, user_id: str, workspace_id: str | None) -> Seat | None:
        """Return the user's seat in a workspace, or without one named in the user's default,
        else the oldest; ``None`` for a stranger."""
        query = (
            select(Workspace, Member.role)
            .join(Member, Member.workspace_id == Workspace.id)
            .join(User, User.id == Member.user_id)
            .where(Member.user_id == user_id)
            .order_by(
                func.coalesce(Workspace.id == User.default_workspace_id, False).desc(),
                Workspace.created_at,
                Workspace.id,
            )
            .limit(1)
        )
        if workspace_id is not None:
            query = query.where(Workspace.id == workspace_id)
        row = (await self._session.execute(query)).one_or_none()
        return Seat(*row) if row else None

    async def of_user(self, user_id: str) -> Sequence[tuple[Workspace, str]]:
        """Return the user's workspaces with the user's role in each, oldest first."""
        rows = await self._session.execute(
            select(Workspace, Member.role)
            .join(Member, Member.workspace_id == Workspace.id)
            .where(Member.user_id == user_id)
            .order_by(Workspace.created_at, Workspace.id)
        )
        return [(workspace, role) for workspace, role in rows]

    async def member_count(self, workspace_id: str) -> int:
        count = await self._session.scalar(
            select(func.count()).select_from(Member).where(Member.workspace_id == workspace_id)
        )
        return count or 0

    def add(self, workspace: Workspace) -> Workspace:
        self._session.add(workspace)
        return workspace

    def add_member(self, member: Member) -> Member:
        self._session.add(member)
        return member
