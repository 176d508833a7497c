"""What a person lets a program do: a scope, which lasts as long as the session that gave it.

A grant's id is the family of the bearer tokens that came of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from core.store.base import Base, Repository, Timestamps, now
from core.store.bearer_tokens import BearerToken
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.sessions import Session


class ProgramGrant(Timestamps, Base):
    __tablename__ = "program_grants"

    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    client_id: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))


@dataclass(frozen=True)
class LiveGrant:
    """A grant and the live session that it belongs to."""

    grant: ProgramGrant
    session: Session


class ProgramGrants(Repository):
    def add(self, grant: ProgramGrant) -> None:
        self._session.add(grant)

    async def live(self, grant_id: str) -> LiveGrant | None:
        """Return a grant by its id; none whose session has ended."""
        rows = await self._session.execute(
            select(ProgramGrant, Session)
            .join(Session, Session.id == ProgramGrant.session_id)
            .where(ProgramGrant.id == grant_id, Session.expires_at > now())
        )
        row = rows.one_or_none()
        return LiveGrant(row[0], row[1]) if row else None

    async def page(self, user_id: str, request: PageRequest) -> RowsPage[ProgramGrant]:
        """Return a user's live grants, newest first."""
        query = (
            select(ProgramGrant)
            .join(Session, Session.id == ProgramGrant.session_id)
            .where(Session.user_id == user_id, Session.expires_at > now())
        )
        order = (ProgramGrant.created_at, ProgramGrant.id)
        return await read_page(self._session, query, order, request)

    async def delete(self, grant_id: str, user_id: str) -> bool:
        """Revoke a user's grant with all its tokens; return whether there was one."""
        return bool(await self._delete(user_id, ProgramGrant.id == grant_id))

    async def end(self, grant_id: str) -> None:
        """Delete a grant whose tokens are deleted."""
        await self._session.execute(delete(ProgramGrant).where(ProgramGrant.id == grant_id))

    async def delete_of(self, user_id: str) -> None:
        """Revoke every grant of a user with all its tokens."""
        await self._delete(user_id)

    async def _delete(self, user_id: str, *conditions: object) -> list[str]:
        sessions = select(Session.id).where(Session.user_id == user_id)
        query = delete(ProgramGrant).where(ProgramGrant.session_id.in_(sessions), *conditions)  # type: ignore[arg-type]
        ids = list(await self._session.scalars(query.returning(ProgramGrant.id)))
        await self._session.execute(delete(BearerToken).where(BearerToken.family_id.in_(ids)))
        return ids
