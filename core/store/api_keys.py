"""Keys of external integrations; only their hashes are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ForeignKey, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from core.store.base import Base, Repository, TenantRepository, Timestamps, now
from core.store.pages import PageRequest, RowsPage, read_page


class ApiKey(Timestamps, Base):
    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    preview: Mapped[str]  # first characters, so that a person can tell keys apart
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


_IS_LIVE: Final = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())


class ApiKeyLookup(Repository):
    async def by_hash(self, key_hash: str) -> ApiKey | None:
        """Return the live key of a hash; never an expired one."""
        return await self._session.scalar(
            select(ApiKey).where(ApiKey.key_hash == key_hash, _IS_LIVE)
        )

    async def live(self, key_id: str) -> ApiKey | None:
        """Return a key by its id; never an expired one."""
        return await self._session.scalar(select(ApiKey).where(ApiKey.id == key_id, _IS_LIVE))

    async def touch(self, key_id: str) -> None:
        """Note that a key was used."""
        # A statement, not the row: it may be deleted at this moment.
        await self._session.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id)
            .values(last_used_at=now())
            .execution_options(synchronize_session=False)
        )

    async def delete_of(self, user_id: str) -> int:
        """Delete every key of a user in all workspaces; return how many there were."""
        query = delete(ApiKey).where(ApiKey.user_id == user_id).returning(ApiKey.id)
        return len((await self._session.scalars(query)).all())


class ApiKeys(TenantRepository):
    def add(self, key: ApiKey) -> ApiKey:
        key.workspace_id = self._workspace_id
        self._session.add(key)
        return key

    async def page(self, user_id: str, request: PageRequest) -> RowsPage[ApiKey]:
        """Return a user's keys, newest first."""
        query = select(ApiKey).where(
            ApiKey.workspace_id == self._workspace_id, ApiKey.user_id == user_id
        )
        return await read_page(self._session, query, (ApiKey.created_at, ApiKey.id), request)

    async def delete(self, key_id: str, user_id: str) -> bool:
        """Delete one key of a user; returns whether there was one."""
        deleted = await self._session.scalar(
            delete(ApiKey)
            .where(
                ApiKey.id == key_id,
                ApiKey.workspace_id == self._workspace_id,
                ApiKey.user_id == user_id,
            )
            .returning(ApiKey.id)
        )
        return deleted is not None

    async def delete_all_of(self, user_id: str) -> int:
        """Delete a user's keys of this workspace; return how many there were."""
        gone = await self._session.scalars(
            delete(ApiKey)
            .where(ApiKey.workspace_id == self._workspace_id, ApiKey.user_id == user_id)
            .returning(ApiKey.id)
        )
        return len(gone.all())
