"""Authorization codes, access and refresh tokens; only their hashes are stored.

What came out of one sign-in of a program is a family. A token hangs on the session or the API key
that it stands for: when that is deleted, the database deletes the token with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.api_keys import ApiKey
from core.store.base import Base, Repository, Timestamps, now
from core.store.sessions import Session

Kind = Literal["code", "access", "refresh"]


class BearerToken(Timestamps, Base):
    __tablename__ = "bearer_tokens"
    __table_args__ = (CheckConstraint("(session_id IS NULL) <> (api_key_id IS NULL)", "one_owner"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # code access refresh
    token_hash: Mapped[str] = mapped_column(unique=True)
    family_id: Mapped[str] = mapped_column(index=True)
    session_id: Mapped[str | None] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    api_key_id: Mapped[str | None] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]  # of a code or a refresh token: they work once
    client_id: Mapped[str | None]
    redirect_uri: Mapped[str | None]  # a code's
    code_challenge: Mapped[str | None]  # a code's


class BearerTokens(Repository):
    def add(self, token: BearerToken) -> BearerToken:
        self._session.add(token)
        return token

    async def bearer(self, token_hash: str) -> BearerToken | ApiKey | None:
        """Return a live access token of a live session, or the live key that one stands for."""
        row = await self._session.execute(
            select(BearerToken, ApiKey)
            .join(Session, Session.id == BearerToken.session_id, isouter=True)
            .join(ApiKey, ApiKey.id == BearerToken.api_key_id, isouter=True)
            .where(
                BearerToken.token_hash == token_hash,
                BearerToken.kind == "access",
                BearerToken.expires_at > now(),
                or_(Session.expires_at.is_(None), Session.expires_at > now()),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now()),
            )
        )
        token, key = row.one_or_none() or (None, None)
        return key or token

    async def spend(self, kind: Kind, token_hash: str) -> BearerToken | None:
        """Use up a live code or refresh token of a live session; of two at once one succeeds."""
        live = select(Session.id).where(
            Session.id == BearerToken.session_id, Session.expires_at > now()
        )
        return await self._session.scalar(
            update(BearerToken)
            .where(
                BearerToken.token_hash == token_hash,
                BearerToken.kind == kind,
                BearerToken.used_at.is_(None),
                BearerToken.expires_at > now(),
                live.exists(),
            )
            .values(used_at=now())
            .returning(BearerToken)
        )

    async def end_family_of_used(self, kind: Kind, token_hash: str) -> str | None:
        """Delete all tokens that came of a used code or refresh token; return their family."""
        family_id = await self._session.scalar(
            select(BearerToken.family_id).where(
                BearerToken.token_hash == token_hash,
                BearerToken.kind == kind,
                BearerToken.used_at.is_not(None),
            )
        )
        if family_id is None:
            return None
        await self._session.execute(delete(BearerToken).where(BearerToken.family_id == family_id))
        return family_id

    async def delete_expired(self) -> None:
        """Forget what can no longer be used, nor be noticed when it is used again."""
        await self._session.execute(delete(BearerToken).where(BearerToken.expires_at <= now()))
