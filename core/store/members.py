"""Who belongs to a workspace, and as what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, func, select, update

from core.store.base import TenantRepository
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.users import User
from core.store.workspaces import Member, Workspace


@dataclass(frozen=True)
class Person:
    """A member with the account behind the membership."""

    id: str
    email: str
    name: str
    image_url: str | None
    role: str
    joined_at: datetime


class Members(TenantRepository):
    async def lock(self) -> None:
        """Have others who change members of this workspace wait, until the end of the unit."""
        await self._session.execute(
            select(Workspace.id).where(Workspace.id == self._workspace_id).with_for_update()
        )

    async def get(self, user_id: str) -> Member | None:
        return await self._session.scalar(
            select(Member).where(
                Member.workspace_id == self._workspace_id, Member.user_id == user_id
            )
        )

    async def has_email(self, email: str) -> bool:
        """Return whether a member has the address."""
        query = (
            select(Member.user_id)
            .join(User, User.id == Member.user_id)
            .where(Member.workspace_id == self._workspace_id, User.email == email)
        )
        return await self._session.scalar(query) is not None

    async def person(self, user_id: str) -> Person | None:
        member = await self.get(user_id)
        user = await self._session.get(User, user_id) if member else None
        return _person(member, user) if member and user else None

    async def page(self, request: PageRequest) -> RowsPage[Person]:
        """Return the members, the first to join first."""
        query = select(Member).where(Member.workspace_id == self._workspace_id)
        order = (Member.created_at, Member.user_id)
        if request.sort_by == "joined_at":
            request = replace(request, sort_by="created_at")
        page = await read_page(self._session, query, order, request, descending=False)
        ids = [member.user_id for member in page.rows]
        rows = await self._session.scalars(select(User).where(User.id.in_(ids)))
        users = {user.id: user for user in rows}
        return RowsPage([_person(row, users[row.user_id]) for row in page.rows], page.next)

    async def add(self, user_id: str, role: str) -> None:
        self._session.add(Member(workspace_id=self._workspace_id, user_id=user_id, role=role))
        await self._session.flush()

    async def remove(self, user_id: str) -> None:
        await self._session.execute(
            delete(Member).where(
                Member.workspace_id == self._workspace_id, Member.user_id == user_id
            )
        )

    async def owners(self) -> int:
        """Count the owners; ask under :meth:`lock` before one is to go."""
        owners = select(func.count()).where(
            Member.workspace_id == self._workspace_id, Member.role == "owner"
        )
        return await self._session.scalar(owners) or 0

    async def pass_on(self) -> None:
        """Have the workspace belong to an owner it has: the first to join, if its own is none."""
        await self._session.flush()
        mine = (Member.workspace_id == self._workspace_id, Member.role == "owner")
        still = select(Member.user_id).where(*mine, Member.user_id == Workspace.owner_id)
        heir = select(Member.user_id).where(*mine).order_by(Member.created_at).limit(1)
        await self._session.execute(
            update(Workspace)
            .where(Workspace.id == self._workspace_id, ~still.correlate(Workspace).exists())
            .values(owner_id=heir.scalar_subquery())
        )


def _person(member: Member, user: User) -> Person:
    return Person(user.id, user.email, user.name, user.image_url, member.role, member.created_at)
