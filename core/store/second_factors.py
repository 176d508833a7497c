"""Second factors of sign-in: authenticator apps (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps, now


class TotpFactor(Timestamps, Base):
    """A user's authenticator app; it counts once a code of it has confirmed it."""

    __tablename__ = "totp_factors"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    sealed_secret: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of the last code used


class RecoveryCode(Timestamps, Base):
    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class TotpFactors(Repository):
    async def get(self, user_id: str) -> TotpFactor | None:
        return await self._session.get(TotpFactor, user_id)

    async def confirmed(self, user_id: str) -> TotpFactor | None:
        factor = await self.get(user_id)
        return factor if factor is not None and factor.confirmed_at is not None else None

    async def put(self, user_id: str, sealed_secret: str) -> None:
        """Store an unconfirmed factor instead of any other of the user's."""
        await self.delete(user_id)
        self._session.add(TotpFactor(user_id=user_id, sealed_secret=sealed_secret, last_step=0))
        await self._session.flush()

    async def confirm(self, user_id: str, sealed_secret: str, step: int) -> bool:
        """Have a factor count; return whether it still was the one that waits for it."""
        query = (
            update(TotpFactor)
            .where(
                TotpFactor.user_id == user_id,
                TotpFactor.sealed_secret == sealed_secret,
                TotpFactor.confirmed_at.is_(None),
            )
            .values(confirmed_at=now(), last_step=step)
            .returning(TotpFactor.user_id)
        )
        return await self._session.scalar(query) is not None

    async def use_step(self, user_id: str, step: int) -> bool:
        """Use up a code; return whether no code of its time step or a later one was used before."""
        query = (
            update(TotpFactor)
            .where(TotpFactor.user_id == user_id, TotpFactor.last_step < step)
            .values(last_step=step)
            .returning(TotpFactor.user_id)
        )
        return await self._session.scalar(query) is not None

    async def delete(self, user_id: str) -> None:
        await self._session.execute(delete(TotpFactor).where(TotpFactor.user_id == user_id))


class RecoveryCodes(Repository):
    async def replace(self, user_id: str, hashes: Iterable[str]) -> None:
        """Store a user's codes instead of earlier ones."""
        await self.delete_of(user_id)
        self._session.add_all(RecoveryCode(code_hash=each, user_id=user_id) for each in hashes)
        await self._session.flush()

    async def use(self, user_id: str, code_hash: str) -> bool:
        """Use up a code; return whether it was one of the user's."""
        query = delete(RecoveryCode).where(
            RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash
        )
        return await self._session.scalar(query.returning(RecoveryCode.code_hash)) is not None

    async def count(self, user_id: str) -> int:
        query = select(func.count()).where(RecoveryCode.user_id == user_id)
        return await self._session.scalar(query) or 0

    async def delete_of(self, user_id: str) -> None:
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
