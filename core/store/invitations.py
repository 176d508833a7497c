"""Invitations to workspaces: to an e-mail address, or to whoever has the link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps, now
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.users import User
from core.store.workspaces import Workspace


class Invitation(Timestamps, Base):
    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str | None] = mapped_column(index=True)  # lower-case; none: whoever has the link
    role: Mapped[str]  # owner admin write read
    token_hash: Mapped[str] = mapped_column(unique=True)
    invited_by: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


@dataclass(frozen=True)
class InvitationContext:
    """An invitation with the names of its workspace and inviter."""

    id: str
    workspace_id: str
    workspace_name: str
    inviter_name: str
    role: str
    expires_at: datetime


class Invitations(TenantRepository):
    def add(self, invitation: Invitation) -> Invitation:
        invitation.workspace_id = self._workspace_id
        self._session.add(invitation)
        return invitation

    async def count(self) -> int:
        """Return how many invitations of the workspace can still be accepted."""
        query = select(func.count()).where(
            Invitation.workspace_id == self._workspace_id, Invitation.expires_at > now()
        )
        return await self._session.scalar(query) or 0

    async def page(self, request: PageRequest) -> RowsPage[Invitation]:
        """Return the invitations that can still be accepted, newest first."""
        query = select(Invitation).where(
            Invitation.workspace_id == self._workspace_id, Invitation.expires_at > now()
        )
        order = (Invitation.created_at, Invitation.id)
        return await read_page(self._session, query, order, request)

    async def delete(self, invitation_id: str) -> bool:
        """Revoke an invitation; return whether there was one."""
        query = (
            delete(Invitation)
            .where(Invitation.workspace_id == self._workspace_id, Invitation.id == invitation_id)
            .returning(Invitation.id)
        )
        return await self._session.scalar(query) is not None

    async def delete_by_email(self, email: str) -> None:
        """Revoke what an address was sent before."""
        await self._session.execute(
            delete(Invitation).where(
                Invitation.workspace_id == self._workspace_id, Invitation.email == email
            )
        )


class InvitationLookup(Repository):
    """Invitations of any workspace, as the invited person sees them."""

    async def by_token_hash(self, token_hash: str) -> Invitation | None:
        return await self._session.scalar(
            select(Invitation).where(
                Invitation.token_hash == token_hash, Invitation.expires_at > now()
            )
        )

    async def by_id(self, invitation_id: str, email: str) -> Invitation | None:
        """Return an invitation to an address."""
        return await self._session.scalar(
            select(Invitation).where(
                Invitation.id == invitation_id,
                Invitation.email == email,
                Invitation.expires_at > now(),
            )
        )

    async def page_for(self, email: str, request: PageRequest) -> RowsPage[InvitationContext]:
        """Return the invitations to an address, newest first."""
        query = select(Invitation).where(Invitation.email == email, Invitation.expires_at > now())
        order = (Invitation.created_at, Invitation.id)
        page = await read_page(self._session, query, order, request)
        names = await self._session.execute(
            select(Invitation.id, Workspace.name, User.name)
            .join(Workspace, Workspace.id == Invitation.workspace_id)
            .join(User, User.id == Invitation.invited_by)
            .where(Invitation.id.in_([row.id for row in page.rows]))
        )
        by_id = {row[0]: (row[1], row[2]) for row in names}
        rows = [
            InvitationContext(row.id, row.workspace_id, *by_id[row.id], row.role, row.expires_at)
            for row in page.rows
        ]
        return RowsPage(rows, page.next)

    async def delete(self, invitation_id: str) -> bool:
        """End an invitation; return whether nobody else did meanwhile."""
        query = delete(Invitation).where(Invitation.id == invitation_id).returning(Invitation.id)
        return await self._session.scalar(query) is not None

    async def delete_expired(self) -> None:
        await self._session.execute(delete(Invitation).where(Invitation.expires_at <= now()))
