"""Accounts at other providers by which a user signs in."""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps
from core.store.users import User


class LinkedAccount(Timestamps, Base):
    """Who a provider says somebody is: its issuer and the subject it never gives to another."""

    __tablename__ = "linked_accounts"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]  # as it was when the two were linked


class LinkedAccounts(Repository):
    async def user(self, issuer: str, subject: str) -> User | None:
        """Return the user who signs in by this account of a provider."""
        return await self._session.scalar(
            select(User)
            .join(LinkedAccount, LinkedAccount.user_id == User.id)
            .where(LinkedAccount.issuer == issuer, LinkedAccount.subject == subject)
        )

    def add(self, account: LinkedAccount) -> LinkedAccount:
        self._session.add(account)
        return account
