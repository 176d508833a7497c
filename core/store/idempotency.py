"""Calls that carry an Idempotency-Key: claimed before their work, kept with their answer.

A claim is a lease: one whose process is gone runs out, and a repeat of the call takes it over with
the same ``once_id``, by which it finds what the first one made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ForeignKey, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, Repository, TenantRepository

KEPT: Final = timedelta(hours=24)


class IdempotencyKey(Base):
    __tablename__ = "idempotency_keys"

    id: Mapped[str] = mapped_column(primary_key=True)  # hash of workspace, caller and key
    workspace_id: Mapped[str | None] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    fingerprint: Mapped[str]  # hash of method, path and body
    once_id: Mapped[str]
    lease_owner: Mapped[str | None]  # none: the call is answered
    lease_until: Mapped[datetime]
    # None on an answered call: its repeat finds its way back to what is there by once_id.
    sealed_answer: Mapped[str | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Claimed:
    """What is known of a key: ``owner`` is set for the caller who is to do the work."""

    owner: str | None
    once_id: str
    fingerprint: str
    is_answered: bool
    sealed_answer: str | None
    is_repeat: bool


class IdempotencyKeys(Repository):
    """Claims; above workspaces, for who is in none may make one."""

    async def claim(
        self,
        row_id: str,
        workspace_id: str | None,
        user_id: str,
        fingerprint: str,
        lease: timedelta,
    ) -> Claimed:
        """Take a key, or return who has it; one whose time is over is as good as new."""
        table = IdempotencyKey
        await self._session.execute(
            delete(table).where(table.id == row_id, table.expires_at < func.now())
        )
        wanted = IdempotencyKey(
            id=row_id,
            workspace_id=workspace_id,
            user_id=user_id,
            fingerprint=fingerprint,
            once_id=new_id("once").removeprefix("once_"),
            lease_owner=new_id("call"),
        )
        is_mine = await self._take(wanted, lease)
        row = (await self._session.scalars(select(table).where(table.id == row_id))).one_or_none()
        if row is None:  # answered with an error, and given back, between the two statements
            return Claimed(None, "", fingerprint, False, None, True)
        return Claimed(
            owner=wanted.lease_owner if is_mine else None,
            once_id=row.once_id,
            fingerprint=row.fingerprint,
            is_answered=row.lease_owner is None,
            sealed_answer=row.sealed_answer,
            is_repeat=row.once_id != wanted.once_id,
        )

    async def _take(self, wanted: IdempotencyKey, lease: timedelta) -> bool:
        """Insert a claim, or take over one of the same call whose lease has run out."""
        table = IdempotencyKey
        taken = await self._session.scalar(
            insert(table)
            .values(
                id=wanted.id,
                workspace_id=wanted.workspace_id,
                user_id=wanted.user_id,
                fingerprint=wanted.fingerprint,
                once_id=wanted.once_id,
                lease_owner=wanted.lease_owner,
                lease_until=func.now() + lease,
                expires_at=func.now() + KEPT,
            )
            .on_conflict_do_update(
                index_elements=["id"],
                set_={"lease_owner": wanted.lease_owner, "lease_until": func.now() + lease},
                where=and_(
                    table.lease_owner.is_not(None),
                    table.lease_until < func.now(),
                    table.fingerprint == wanted.fingerprint,
                ),
            )
            .returning(table.id)
        )
        return taken is not None

    async def renew(self, row_id: str, owner: str, lease: timedelta) -> None:
        await self._session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.id == row_id, IdempotencyKey.lease_owner == owner)
            .values(lease_until=func.now() + lease)
        )

    async def give_back(self, row_id: str, owner: str) -> None:
        """Forget a claim whose call did nothing, so that a repeat may try again."""
        await self._session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.id == row_id, IdempotencyKey.lease_owner == owner
            )
        )

    async def answer(self, row_id: str, owner: str, sealed_answer: str | None) -> None:
        """Keep the answer of a call; it is the last thing done under its claim."""
        await self._session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.id == row_id, IdempotencyKey.lease_owner == owner)
            .values(lease_owner=None, sealed_answer=sealed_answer)
        )

    async def purge(self) -> int:
        """Delete the keys whose time is over; return how many there were."""
        gone = await self._session.scalars(
            delete(IdempotencyKey)
            .where(IdempotencyKey.expires_at < func.now())
            .returning(IdempotencyKey.id)
        )
        return len(gone.all())


class IdempotentAnswers(TenantRepository):
    async def keep(self, row_id: str, owner: str, sealed_answer: str | None) -> bool:
        """Keep the answer of a call in the transaction of its work.

        False when the claim has run out and another took it: then the work must not be committed.
        """
        kept = await self._session.scalar(
            update(IdempotencyKey)
            .where(
                IdempotencyKey.id == row_id,
                IdempotencyKey.workspace_id == self._workspace_id,
                IdempotencyKey.lease_owner == owner,
            )
            .values(lease_owner=None, sealed_answer=sealed_answer)
            .returning(IdempotencyKey.id)
        )
        return kept is not None
