"""Named secrets of a workspace, sealed at rest."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.driver import look
from core.store.pages import PageRequest, RowsPage, read_page

_ALL: Final = "SELECT name, sealed FROM secrets WHERE workspace_id = $1"


class Secret(Timestamps, Base):
    __tablename__ = "secrets"

    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]


class Secrets(TenantRepository):
    async def all_sealed(self) -> dict[str, str]:
        rows = await look(self._session, _ALL, self._workspace_id)
        return dict(rows)

    async def page(self, request: PageRequest) -> RowsPage[Secret]:
        """Return secrets by name."""
        query = select(Secret).where(Secret.workspace_id == self._workspace_id)
        order = (Secret.name, Secret.name)
        return await read_page(self._session, query, order, request, descending=False)

    async def put(self, name: str, sealed: str) -> None:
        values = {"workspace_id": self._workspace_id, "name": name, "sealed": sealed}
        await self._session.execute(
            insert(Secret)
            .values(values)
            .on_conflict_do_update(
                index_elements=["workspace_id", "name"],
                set_={"sealed": sealed, "updated_at": func.now()},
            )
        )

    async def delete(self, name: str) -> bool:
        """Delete one; whether there was one."""
        gone = await self._session.execute(
            delete(Secret)
            .where(Secret.workspace_id == self._workspace_id, Secret.name == name)
            .returning(Secret.name)
        )
        return gone.first() is not None
