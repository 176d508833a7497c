"""Passkeys (W3C Web Authentication) that sign a user in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps, now
from core.store.pages import PageRequest, RowsPage, read_page


class Passkey(Timestamps, Base):
    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    credential_id: Mapped[str] = mapped_column(unique=True)  # base64url
    public_key: Mapped[bytes]  # COSE
    sign_count: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[datetime | None]


class Passkeys(Repository):
    async def by_credential_id(self, credential_id: str) -> Passkey | None:
        return await self._session.scalar(
            select(Passkey).where(Passkey.credential_id == credential_id)
        )

    async def of_user(self, user_id: str) -> Sequence[Passkey]:
        """Return a user's passkeys, oldest first."""
        query = select(Passkey).where(Passkey.user_id == user_id)
        return (await self._session.scalars(query.order_by(Passkey.created_at, Passkey.id))).all()

    async def page(self, user_id: str, request: PageRequest) -> RowsPage[Passkey]:
        """Return a user's passkeys, newest first."""
        query = select(Passkey).where(Passkey.user_id == user_id)
        order = (Passkey.created_at, Passkey.id)
        return await read_page(self._session, query, order, request)

    async def count(self, user_id: str) -> int:
        query = select(func.count()).where(Passkey.user_id == user_id)
        return await self._session.scalar(query) or 0

    async def add(self, passkey: Passkey) -> Passkey:
        self._session.add(passkey)
        await self._session.flush()
        return passkey

    async def note_use(self, passkey: Passkey, sign_count: int) -> bool:
        """Note a signature; return whether the passkey made no other one meanwhile."""
        query = (
            update(Passkey)
            .where(Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count)
            .values(sign_count=sign_count, last_used_at=now())
            .returning(Passkey.id)
        )
        return await self._session.scalar(query) is not None

    async def delete(self, passkey_id: str, user_id: str) -> bool:
        """Delete a user's passkey; return whether there was one."""
        query = delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id)
        return await self._session.scalar(query.returning(Passkey.id)) is not None

    async def delete_of(self, user_id: str) -> None:
        await self._session.execute(delete(Passkey).where(Passkey.user_id == user_id))
