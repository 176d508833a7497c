"""Keys that a workspace has with model providers, sealed at rest."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.driver import look
from core.store.pages import PageRequest, RowsPage, read_page

_SEALED_KEY: Final = "SELECT sealed_key FROM model_providers WHERE workspace_id = $1 AND name = $2"


class ModelProvider(Timestamps, Base):
    __tablename__ = "model_providers"

    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)  # what a model's name begins with
    sealed_key: Mapped[str]


class ModelProviders(TenantRepository):
    async def names(self) -> frozenset[str]:
        """Return the providers that the workspace has a key of."""
        rows = await self._session.scalars(
            select(ModelProvider.name).where(ModelProvider.workspace_id == self._workspace_id)
        )
        return frozenset(rows)

    async def sealed_key(self, name: str) -> str | None:
        rows = await look(self._session, _SEALED_KEY, self._workspace_id, name)
        return rows[0][0] if rows else None

    async def page(self, request: PageRequest) -> RowsPage[ModelProvider]:
        """Return providers by name."""
        query = select(ModelProvider).where(ModelProvider.workspace_id == self._workspace_id)
        order = (ModelProvider.name, ModelProvider.name)
        return await read_page(self._session, query, order, request, descending=False)

    async def put(self, name: str, sealed_key: str) -> ModelProvider:
        """Save a key over an earlier one; return its row."""
        values = {"workspace_id": self._workspace_id, "name": name, "sealed_key": sealed_key}
        row = await self._session.scalar(
            insert(ModelProvider)
            .values(values)
            .on_conflict_do_update(
                index_elements=["workspace_id", "name"],
                set_={"sealed_key": sealed_key, "updated_at": func.now()},
            )
            .returning(ModelProvider)
            .execution_options(populate_existing=True)
        )
        if row is None:
            raise RuntimeError("an upsert returns its row")
        return row

    async def delete(self, name: str) -> bool:
        """Delete one; whether there was one."""
        gone = await self._session.scalar(
            delete(ModelProvider)
            .where(ModelProvider.workspace_id == self._workspace_id, ModelProvider.name == name)
            .returning(ModelProvider.name)
        )
        return gone is not None
