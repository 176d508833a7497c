"""Workspaces and who belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from core.errors import NotFound
from core.ids import new_id
from core.store.base import Base, Repository, Timestamps
from core.store.driver import look
from core.store.pages import PageRequest, RowsPage, read_page

UNLIMITED: Final = -1


@dataclass(frozen=True)
class Limits:
    """What a workspace may use; -1 is without limit. Runs are always bounded: what one of them
    (with the runs under it) keeps, how many blocks it runs, how long, and how many runs of other
    workflows it starts."""

    requests_per_minute: int
    concurrent_executions: int
    run_bytes: int
    run_blocks: int
    run_seconds: int
    child_runs: int


PLANS: Final = {
    "free": Limits(60, 5, 64 * 1024**2, 10_000, 3600, 100),
    "pro": Limits(300, 25, 256 * 1024**2, 50_000, 6 * 3600, 500),
    "enterprise": Limits(UNLIMITED, UNLIMITED, 1024**3, 100_000, 24 * 3600, 1000),
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
        """The plan's limits; for enterprise those that an operator set for this workspace."""
        plan = PLANS[self.plan]
        if self.plan != "enterprise":
            return plan
        return Limits(
            self.limits.get("requestsPerMinute", plan.requests_per_minute),
            self.limits.get("concurrentExecutions", plan.concurrent_executions),
            self.limits.get("runBytes", plan.run_bytes),
            self.limits.get("runBlocks", plan.run_blocks),
            self.limits.get("runSeconds", plan.run_seconds),
            self.limits.get("childRuns", plan.child_runs),
        )

    @property
    def slot_account(self) -> str | None:
        """The account whose workspaces share the limit of concurrent executions.

        None for enterprise, whose limits an operator set for the workspace alone.
        """
        return None if self.plan == "enterprise" else f"{self.owner_id}:{self.plan}"


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


SEAT_FACTS: Final = tuple(column.key for column in Workspace.__table__.columns)


def seat_of(role: str, facts: Sequence[Any]) -> Seat:
    """Return a seat from a role and the workspace's columns, which are ``SEAT_FACTS``."""
    return Seat(Workspace(**dict(zip(SEAT_FACTS, facts, strict=True))), role)


def seat_query(user: str, workspace: str) -> str:
    """Return the query for a user's seat, role first; both are expressions of SQL. Without a
    workspace it is the user's default, else the oldest."""
    return f"""
        SELECT m.role, {", ".join(f"w.{name}" for name in SEAT_FACTS)}
        FROM members m JOIN workspaces w ON w.id = m.workspace_id JOIN users u ON u.id = m.user_id
        WHERE m.user_id = {user} AND ({workspace} IS NULL OR m.workspace_id = {workspace})
        ORDER BY coalesce(w.id = u.default_workspace_id, false) DESC, w.created_at, w.id LIMIT 1
    """  # noqa: S608 - expressions and columns of our own


_SEAT: Final = seat_query("$1", "$2::text")


class Workspaces(Repository):
    """Asked by membership: every query names the user or the workspace it is about."""

    async def get(self, workspace_id: str) -> Workspace | None:
        return await self._session.get(Workspace, workspace_id)

    async def load(self, workspace_id: str) -> Workspace:
        """Return a workspace that is known to be there; raises ``NotFound`` if it just went."""
        workspace = await self.get(workspace_id)
        if workspace is None:
            raise NotFound("This workspace was deleted just now.")
        return workspace

    async def lock(self, workspace_id: str) -> None:
        """Have others who change members of the workspace wait, until the end of the unit."""
        query = select(Workspace.id).where(Workspace.id == workspace_id).with_for_update()
        await self._session.execute(query)

    async def role_of(self, user_id: str, workspace_id: str) -> str | None:
        """Return the user's role in a workspace, ``None`` for a stranger."""
        return await self._session.scalar(
            select(Member.role).where(
                Member.user_id == user_id, Member.workspace_id == workspace_id
            )
        )

    async def seat(self, user_id: str, workspace_id: str | None) -> Seat | None:
        """Return the user's seat in a workspace, or without one named in the user's default,
        else the oldest; ``None`` for a stranger. The workspace is to be read only."""
        rows = await look(self._session, _SEAT, user_id, workspace_id)
        if not rows:
            return None
        role, *facts = rows[0]
        return seat_of(role, facts)

    async def of_user(self, user_id: str) -> Sequence[tuple[Workspace, str]]:
        """Return the user's workspaces with the user's role in each, oldest first."""
        rows = await self._session.execute(
            select(Workspace, Member.role)
            .join(Member, Member.workspace_id == Workspace.id)
            .where(Member.user_id == user_id)
            .order_by(Workspace.created_at, Workspace.id)
        )
        return [(workspace, role) for workspace, role in rows]

    async def page_of_user(self, user_id: str, request: PageRequest) -> RowsPage[Workspace]:
        """Return the workspaces a user is in, oldest first."""
        query = select(Workspace).join(Member).where(Member.user_id == user_id)
        order = (Workspace.created_at, Workspace.id)
        return await read_page(self._session, query, order, request, descending=False)

    async def roles_of(self, user_id: str, workspace_ids: Sequence[str]) -> dict[str, str]:
        """Return the user's role in each of the workspaces she is in."""
        rows = await self._session.execute(
            select(Member.workspace_id, Member.role).where(
                Member.user_id == user_id, Member.workspace_id.in_(workspace_ids)
            )
        )
        return {row[0]: row[1] for row in rows}

    async def member_counts(self, workspace_ids: Sequence[str]) -> dict[str, int]:
        """Return how many members each workspace has."""
        rows = await self._session.execute(
            select(Member.workspace_id, func.count())
            .where(Member.workspace_id.in_(workspace_ids))
            .group_by(Member.workspace_id)
        )
        return {row[0]: row[1] for row in rows}

    async def owned_alone(self, user_id: str) -> Sequence[Workspace]:
        """Return the workspaces that a user is the only owner of, oldest first."""
        owner = aliased(Member)
        others = select(owner.user_id).where(
            owner.workspace_id == Workspace.id, owner.role == "owner", owner.user_id != user_id
        )
        query = (
            select(Workspace)
            .join(Member, Member.workspace_id == Workspace.id)
            .where(Member.user_id == user_id, Member.role == "owner", ~others.exists())
            .order_by(Workspace.created_at, Workspace.id)
        )
        return (await self._session.scalars(query)).all()

    async def are_together(self, user_id: str, other_id: str) -> bool:
        """Return whether two users are in some workspace together."""
        mine = select(Member.workspace_id).where(Member.user_id == user_id)
        shared = select(Member.workspace_id).where(
            Member.user_id == other_id, Member.workspace_id.in_(mine)
        )
        return await self._session.scalar(shared.limit(1)) is not None

    async def delete(self, workspace: Workspace) -> None:
        """Delete a workspace and, by the database's own cascade, all rows in it."""
        await self._session.delete(workspace)

    async def make(self, owner_id: str, name: str, plan: str) -> Workspace:
        """Make a workspace with its owner, who must be there, in it."""
        workspace = Workspace(id=new_id("ws"), name=name, plan=plan, owner_id=owner_id)
        self._session.add(workspace)
        await self._session.flush()
        self.add_member(Member(workspace_id=workspace.id, user_id=owner_id, role="owner"))
        await self._session.flush()
        return workspace

    def add(self, workspace: Workspace) -> Workspace:
        self._session.add(workspace)
        return workspace

    def add_member(self, member: Member) -> Member:
        self._session.add(member)
        return member
