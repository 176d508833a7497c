"""People."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps


class User(Timestamps, Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)  # lower-case
    name: Mapped[str]
    image_url: Mapped[str | None]
    password_hash: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    default_workspace_id: Mapped[str | None]


class Users(Repository):
    async def get(self, user_id: str) -> User | None:
        return await self._session.get(User, user_id)

    async def by_email(self, email: str) -> User | None:
        return await self._session.scalar(select(User).where(User.email == email.lower()))

    async def is_unchanged(self, user: User) -> bool:
        """Whether a user still has the password she was read with; it stays so until the commit."""
        same = User.password_hash.is_not_distinct_from(user.password_hash)
        query = select(User.id).where(User.id == user.id, same).with_for_update(read=True)
        return await self._session.scalar(query) is not None

    async def confirm_email(self, user_id: str, email: str) -> bool:
        """Note that a user reads an address; return whether it is still the user's."""
        query = update(User).where(User.id == user_id, User.email == email)
        done = await self._session.scalar(query.values(email_verified=True).returning(User.id))
        return done is not None

    async def change_email(self, user_id: str, old: str, new: str) -> bool:
        """Give a user a confirmed address; return whether the old one still was the user's."""
        query = update(User).where(User.id == user_id, User.email == old)
        changed = query.values(email=new, email_verified=True).returning(User.id)
        return await self._session.scalar(changed) is not None

    async def any(self) -> bool:
        """Return whether there is any user."""
        return await self._session.scalar(select(User.id).limit(1)) is not None

    async def delete(self, user_id: str) -> None:
        """Delete a user and, by the database's own cascade, sessions, grants, keys and chats."""
        await self._session.execute(delete(User).where(User.id == user_id))

    def add(self, user: User) -> User:
        self._session.add(user)
        return user
